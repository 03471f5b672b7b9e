// The control plane at Kafka: what publishes, what consumes, and how both are doing. It decides nothing about any event.

import { hostname } from "node:os";
import { randomUUID } from "node:crypto";
import type { KafkaObserver } from "../../core/observer.ts";
import type { EventLog } from "../../revocation/event-log.ts";
import type { PublicationStore } from "../../revocation/publication-store.ts";
import type { Room } from "../api/room.ts";
import type { Addressed } from "./asked-by-event.ts";
import type { KafkaConnection } from "./client.ts";
import { createEventConsumer } from "./consumer.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { createInlet } from "./inlet.ts";
import { createOutlet, headersAsBytes, type Outlet } from "./outlet.ts";
import type { Publication } from "./published-event.ts";
import { createPublisher } from "./publisher.ts";

export interface BusOptions {
  readonly connection: KafkaConnection;
  /** Undefined: nothing is published. */
  readonly publish: (Publication & { readonly topic: string }) | undefined;
  /** Undefined: nothing is consumed. */
  readonly consume: (Addressed & { readonly group: string; readonly deadLetterTopic: string | undefined }) | undefined;
  readonly room: Room;
  readonly store: EventLog & PublicationStore;
  readonly observer: KafkaObserver;
}

export interface Bus {
  /** Why one of the two does not get on; undefined: both do. */
  trouble(): string | undefined;
  start(): void;
  stop(): Promise<void>;
}

interface Way {
  trouble(): string | undefined;
  start(): void;
  stop(): Promise<void>;
}

export function createBus(options: BusOptions): Bus {
  const name = `${hostname()}-${randomUUID()}`;
  const ways = [publishing(options, name), consuming(options, name)].filter((way) => way !== undefined);
  return {
    trouble: () => ways.map((way) => way.trouble()).find((why) => why !== undefined),
    start() {
      for (const way of ways) way.start();
    },
    async stop() {
      await Promise.all(ways.map((way) => way.stop()));
    },
  };
}

function publishing({ connection, publish, room, store, observer }: BusOptions, name: string): Way | undefined {
  if (publish === undefined) return undefined;
  const { topic, source, audience } = publish;
  const outlet = createOutlet(connection);
  const publisher = createPublisher({
    store,
    publication: { source, audience },
    send: (records) =>
      outlet.send(
        records.map(({ key, value, headers }) => ({
          topic,
          key: Buffer.from(key),
          value,
          headers: headersAsBytes(headers),
        })),
      ),
    holder: name,
    clock: room.clock,
    log: room.log,
    observer,
  });
  return {
    trouble: () => prefixed("publishing", publisher.trouble()),
    start: () => publisher.start(),
    async stop() {
      // The outlet first: what is being sent is given up, and sent by whoever has the next turn.
      const stopped = publisher.stop();
      await outlet.stop();
      await stopped;
    },
  };
}

function consuming({ connection, consume, room, observer }: BusOptions, name: string): Way | undefined {
  if (consume === undefined) return undefined;
  const { group, deadLetterTopic, senders } = consume;
  const outlet = deadLetterTopic === undefined ? undefined : createOutlet(connection);
  const consumer = createEventConsumer({
    room,
    addressed: consume,
    keepDeadLetter: deadLettersOf(deadLetterTopic, outlet, room, observer),
    observer,
  });
  let trouble: string | undefined = "has not begun yet";
  const inlet = createInlet({
    connection,
    topics: [...new Set(senders.map((sender) => sender.topic))],
    group,
    instance: name,
    take: consumer.take,
    onTrouble(why) {
      if (why !== undefined && trouble === undefined) room.log.warn("kafka_not_consumed", { why });
      if (why === undefined && trouble !== undefined) room.log.info("kafka_consumes");
      trouble = why;
      observer.kafkaUp("consume", why === undefined);
    },
  });
  return {
    trouble: () => prefixed("consuming", trouble ?? consumer.trouble()),
    start: () => inlet.start(),
    async stop() {
      await inlet.stop();
      await outlet?.stop();
    },
  };
}

function deadLettersOf(
  topic: string | undefined,
  outlet: Outlet | undefined,
  { log }: Room,
  observer: KafkaObserver,
): ReturnType<typeof createDeadLetters> | undefined {
  if (topic === undefined || outlet === undefined) return undefined;
  return createDeadLetters({ topic, send: outlet.send, log, observer });
}

function prefixed(what: string, why: string | undefined): string | undefined {
  return why === undefined ? undefined : `${what}: ${why}`;
}
