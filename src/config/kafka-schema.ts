// The schema of the kafka block: where revocations are published as events, and whose events revoke here.

import { z } from "zod";
import { TARGET_KINDS, type TargetKind } from "../core/target.ts";
import { readAddress } from "./address.ts";
import { KAFKA } from "./defaults.ts";
import { FILE_PATH, allowing, hidden, matching, oneOf, text } from "./fields.ts";
import { ISSUER_ID } from "./names.ts";
import type { WrittenKafka } from "./written.ts";

const SASL_MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512"] as const;

const TOPIC = matching(/^[A-Za-z0-9._-]{1,249}$/, "the name of a topic: letters, digits, . _ -, at most 249");

/** A URI reference (CloudEvents 1.0 §3.1), which is compared byte for byte. */
const SOURCE = matching(/^[\x21-\x7e]{1,512}$/, "a URI, such as urn:example:hr: at most 512 visible ASCII characters");

const AUDIENCE = matching(/^[\x21-\x7e]{1,256}$/, "a name: at most 256 visible ASCII characters");

const sender = z.strictObject({
  id: ISSUER_ID.describe("Short name of the sender in the audit trail: kafka:<id>."),
  topic: TOPIC.describe("Where its events are taken from. Whoever may write there can speak as it."),
  source: SOURCE.describe("Equals its events' source byte for byte."),
  issuer: ISSUER_ID.optional().describe(
    "Id of the issuer whose tokens it may revoke; may be left out where there is only one.",
  ),
  kinds: allowing(
    `a list of ${TARGET_KINDS.join(", ")}`,
    z.array(oneOf(TARGET_KINDS as readonly [TargetKind, ...TargetKind[]])).min(1),
  ).describe("What it may revoke."),
});

/** `kafka`. */
export const KAFKA_BLOCK: z.ZodType<WrittenKafka> = z.strictObject({
  brokers: allowing(
    "a list of host:port or [ipv6]:port",
    z
      .array(
        allowing(
          "host:port or [ipv6]:port",
          z.string().refine((value) => {
            const address = readAddress(value);
            return address?.kind === "tcp" && address.port > 0;
          }),
        ),
      )
      .min(1)
      .max(16),
  ).describe("Brokers to begin with; they tell of the others."),
  clientId: matching(/^[A-Za-z0-9._-]{1,64}$/, "letters, digits, . _ -, at most 64")
    .default(KAFKA.clientId)
    .describe("As what we are named in the brokers' logs and quotas."),
  tls: z
    .strictObject({
      caFile: text(4_096, FILE_PATH)
        .optional()
        .describe("PEM: the authorities of the brokers' certificates; left out: those of the system."),
      certificateFile: text(4_096, FILE_PATH).optional().describe("PEM: our certificate, where brokers ask for one."),
      keyFile: text(4_096, FILE_PATH).optional().describe("PEM: its private key, without a passphrase."),
    })
    .optional()
    .describe("TLS to the brokers, with {} by the system's authorities; left out: none."),
  sasl: z
    .strictObject({
      mechanism: oneOf(SASL_MECHANISMS).describe("How we tell who we are."),
      username: text(256, "a user's name").describe("Who we are."),
      password: hidden(text(1_024, "a password")).optional().describe("What proves it."),
      passwordFile: text(4_096, FILE_PATH).optional().describe("A file that holds password."),
    })
    .optional()
    .describe("Left out: no SASL."),
  publish: z
    .strictObject({
      topic: TOPIC.describe("Where every revocation and lift is published."),
      source: SOURCE.describe("The events' source: names this store, and is no other Portcullis's."),
      audience: AUDIENCE.optional().describe(
        "The events' audience, for those that only take what is meant for them; left out: none.",
      ),
    })
    .optional()
    .describe("Left out: nothing is published."),
  consume: z
    .strictObject({
      group: matching(/^[A-Za-z0-9._-]{1,249}$/, "letters, digits, . _ -, at most 249").describe(
        "The consumer group: the same for all control planes on one store.",
      ),
      audience: AUDIENCE.describe("Equals the audience of the events meant for us byte for byte."),
      deadLetterTopic: TOPIC.optional().describe(
        "Where events are copied to that nothing can be done with; left out: they are counted and logged only.",
      ),
      senders: allowing("a list of at least one sender", z.array(sender).min(1)).describe("Whose events revoke."),
    })
    .optional()
    .describe("Left out: nobody revokes by Kafka."),
});
