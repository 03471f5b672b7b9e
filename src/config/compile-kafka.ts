// Compiles the kafka block, which is in order. It reads no file.

import { resolve } from "node:path";
import { must } from "./checked.ts";
import type { KafkaConfig } from "./kafka-config.ts";
import { ISSUER } from "./defaults.ts";
import type { WrittenFile, WrittenKafka } from "./written.ts";

/** `directory`: where relative paths begin; `password`: of its file. */
export function compileKafka(
  { kafka, issuers }: WrittenFile,
  directory: string,
  password: string | undefined,
): KafkaConfig | undefined {
  if (kafka === undefined) return undefined;
  const onlyIssuer = issuers.length === 1 ? (issuers[0]?.id ?? ISSUER.id) : undefined;
  const { brokers, clientId, tls, sasl, publish, consume } = kafka;
  return {
    brokers,
    clientId,
    tls: tls && absoluteFiles(tls, directory),
    sasl: sasl && withPassword(sasl, password ?? sasl.password),
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

function withPassword(
  { mechanism, username }: NonNullable<WrittenKafka["sasl"]>,
  password: string | undefined,
): KafkaConfig["sasl"] {
  return { mechanism, username, password: must(password) };
}

function absoluteFiles(tls: NonNullable<WrittenKafka["tls"]>, directory: string): KafkaConfig["tls"] {
  const absolute = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : resolve(directory, file);
  return {
    caFile: absolute(tls.caFile),
    certificateFile: absolute(tls.certificateFile),
    keyFile: absolute(tls.keyFile),
  };
}
