// Joins the control plane and Kafka, where the configuration names one. Its library is loaded only then.

import type { Config } from "../config/config.ts";
import type { KafkaConfig } from "../config/kafka-config.ts";
import type { Room } from "../control/api/room.ts";
import type { Bus } from "../control/kafka/bus.ts";
import type { Part } from "../lifecycle/lifecycle.ts";
import type { RevocationStore } from "../revocation/revocation-store.ts";
import type { Telemetry } from "./telemetry.ts";

export interface EventBus {
  /** Why it does not get on; undefined: it does. */
  trouble(): string | undefined;
  /** After the control plane's own, whose `room` it works in. */
  part(room: Room): Part;
}

/** Longer than a client takes to be given up. */
const DEADLINES = { startTimeoutMs: 10_000, stopTimeoutMs: 8_000 };

/** Undefined where the configuration names no Kafka. */
export function createEventBus(config: Config, store: RevocationStore, telemetry: Telemetry): EventBus | undefined {
  const { kafka } = config;
  if (kafka === undefined) return undefined;
  let bus: Bus | undefined;
  return {
    trouble: () => bus?.trouble(),
    part: (room) => ({
      name: "kafka",
      async start() {
        bus = await startBus(kafka, store, room, telemetry);
      },
      async stop() {
        await bus?.stop();
      },
      ...DEADLINES,
    }),
  };
}

/** Kafka itself is not waited for. */
async function startBus(kafka: KafkaConfig, store: RevocationStore, room: Room, { observer }: Telemetry): Promise<Bus> {
  const { createBus } = await import("../control/kafka/bus.ts");
  const { publish, consume, ...connection } = kafka;
  const bus = createBus({ connection, publish, consume, room, store, observer });
  bus.start();
  return bus;
}
