// Writes records to Kafka, acknowledged by all replicas in step, or says that it could not. It tries once, within a
// deadline; a client that failed is thrown away, with whatever it still had under way.

import { Producer, ProduceAcks } from "@platformatic/kafka";
import { err, ok, type Result } from "../../core/result.ts";
import { clientOptions, detailOf, type KafkaConnection } from "./client.ts";

export interface OutgoingRecord {
  readonly topic: string;
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
  readonly headers: ReadonlyMap<Buffer, Buffer>;
}

export interface Outlet {
  /** The error is for people; the records may have been written all the same. */
  send(records: readonly OutgoingRecord[]): Promise<Result<void, string>>;
  stop(): Promise<void>;
}

/** Of one attempt, connections and the brokers' metadata included. */
const SEND_TIMEOUT_MS = 8_000;
const REQUEST_TIMEOUT_MS = 6_000;
/** What closing a client may take; a broker that went silent does not answer to that either. */
const CLOSE_TIMEOUT_MS = 1_000;

export function createOutlet(connection: KafkaConnection): Outlet {
  let producer: Producer | undefined;

  async function close(): Promise<void> {
    const last = producer;
    producer = undefined;
    if (last !== undefined) await within(CLOSE_TIMEOUT_MS, last.close(true)).catch(() => undefined);
  }

  return {
    async send(records) {
      try {
        producer ??= new Producer({ ...clientOptions(connection), requestTimeout: REQUEST_TIMEOUT_MS });
        const messages = records.map(({ topic, key, value, headers }) => ({
          topic,
          headers: new Map(headers),
          ...(key && { key }),
          ...(value && { value }),
        }));
        await within(SEND_TIMEOUT_MS, producer.send({ messages, acks: ProduceAcks.ALL }));
        return ok(undefined);
      } catch (error) {
        await close();
        return err(detailOf(error));
      }
    },
    stop: close,
  };
}

/** As text in UTF-8, which all that we write are. */
export function headersAsBytes(headers: Readonly<Record<string, string>>): ReadonlyMap<Buffer, Buffer> {
  return new Map(Object.entries(headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]));
}

/** Rejects where `work` takes longer. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
