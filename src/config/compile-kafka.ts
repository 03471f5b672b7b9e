// Compiles the kafka block, which is in order. It reads no file.

import { resolve } from "node:path";
import type { KafkaConfig } from "./config.ts";
import { ISSUER } from "./defaults.ts";
import type { WrittenFile } from "./written.ts";

/** `directory`: where relative paths begin; `password`: of its file. */
export function compileKafka(
  { kafka, issuers }: WrittenFile,
  directory: string,
  password: string | undefined,
): KafkaConfig | undefined {
  if (kafka === undefined) return undefined;
  const onlyIssuer = issuers.length === 1 ? (issuers[0]?.id ?? ISSUER.id) : undefined;
  const { brokers, clientId, tls, sasl, publish, consume } = kafka;
  const absolute = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : resolve(directory, file);
  return {
    brokers,
    clientId,
    tls: tls && {
      caFile: absolute(tls.caFile),
      certificateFile: absolute(tls.certificateFile),
      keyFile: absolute(tls.keyFile),
    },
    sasl: sasl && {
      mechanism: sasl.mechanism,
      username: sasl.username,
      password: password ?? sasl.password ?? "",
    },
    publish: publish && { ...publish, audience: publish.audience },
    consume: consume && {
      ...consume,
      deadLetterTopic: consume.deadLetterTopic,
      senders: consume.senders.map(({ id, topic, source, issuer = onlyIssuer, kinds }) => ({
        id,
        topic,
        source,
        issuer,
        kinds,
      })),
    },
  };
}
