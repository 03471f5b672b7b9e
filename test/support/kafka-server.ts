// A real Kafka broker of a test's own, which is its own controller: on free ports, in a directory of its own, ended by
// its pid. Its topics are made, written and read by another library than ours.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Kafka, logLevel, Partitioners, type IHeaders, type KafkaMessage } from "kafkajs";
import { freePorts } from "./ports.ts";
import { startProcess, type RunningProcess } from "./process.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { until } from "./wait.ts";

const JARS = resolve(".cache/kafka/jars");

/** For the end of a title; empty where scripts/install-kafka has done its work. */
export const WHY_NO_KAFKA: string = existsSync(resolve(".cache/kafka/installed"))
  ? ""
  : " (skipped: Java or Maven Central was missing when scripts/install-kafka ran)";

/** A record as it stands in a topic, its bytes as text. */
export interface SeenRecord {
  readonly key: string | undefined;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface KafkaBroker {
  /** As in the configuration's `kafka.brokers`. */
  readonly address: string;
  /** The way to `address`, which can be cut. */
  readonly way: Pick<TcpProxy, "swallow" | "mend">;
  createTopics(...topics: readonly string[]): Promise<void>;
  send(topic: string, records: readonly { value: string; headers?: Readonly<Record<string, string>> }[]): Promise<void>;
  /** All records that a topic has had since `watch` was first called for it, in order. */
  watch(topic: string): Promise<() => readonly SeenRecord[]>;
  /** How far `group` has committed a topic of one partition; -1: not at all. */
  committed(group: string, topic: string): Promise<number>;
  /** Ends it at once (SIGKILL). */
  kill(): Promise<void>;
  /** Starts it again at the same place after `kill`, and waits until it answers. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Quick to start rather than quick: the tests send it a few hundred records. */
const JVM = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp", `${JARS}/*`];
const CLUSTER_ID = "cG9ydGN1bGxpcy10ZXN0cw";
/** A JVM on a busy machine. */
const START_TIMEOUT_MS = 60_000;

export async function startKafka(): Promise<KafkaBroker> {
  const directory = mkdtempSync(join(tmpdir(), "kafka-"));
  const [port = 0, portBehind = 0, controllerPort = 0] = await freePorts(3);
  const way = await startTcpProxy(portBehind);
  const address = `127.0.0.1:${way.port}`;
  const own = `127.0.0.1:${port}`;
  const properties = join(directory, "server.properties");
  writeFileSync(properties, settings({ directory, address, own, portBehind, controllerPort }));
  const format = startProcess("java", [
    ...JVM,
    "kafka.tools.StorageTool",
    "format",
    "--cluster-id",
    CLUSTER_ID,
    "--config",
    properties,
  ]);
  if ((await format.end()) !== 0) throw new Error(format.output());
  const start = (): RunningProcess => startProcess("java", [...JVM, "kafka.Kafka", properties]);
  let broker = start();

  const kafka = new Kafka({ brokers: [own], logLevel: logLevel.NOTHING, retry: { retries: 2 } });
  const admin = kafka.admin();
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  const endings: (() => Promise<void>)[] = [];
  const ready = async (): Promise<void> => {
    await until(
      "Kafka to answer",
      async () => {
        if (broker.ended() !== undefined) throw new Error(broker.output());
        await admin.connect();
        return (await admin.describeCluster()).brokers.length === 1;
      },
      START_TIMEOUT_MS,
    );
  };
  await ready();
  await producer.connect();
  return {
    address,
    way,
    async createTopics(...topics) {
      await admin.createTopics({ waitForLeaders: true, topics: topics.map((topic) => ({ topic, numPartitions: 1 })) });
    },
    async send(topic, records) {
      await producer.send({ topic, acks: -1, messages: records.map((record) => ({ key: "k", ...record })) });
    },
    async watch(topic) {
      const seen: SeenRecord[] = [];
      const consumer = kafka.consumer({
        groupId: `watch-${topic}`,
        // After a restart the broker waits for its group so long.
        sessionTimeout: 6_000,
        rebalanceTimeout: 3_000,
        heartbeatInterval: 500,
        retry: { retries: 100, maxRetryTime: 1_000 },
      });
      endings.push(() => consumer.disconnect());
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({ eachMessage: async ({ message }) => void seen.push(seenRecord(message)) });
      return () => seen;
    },
    async committed(group, topic) {
      const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
      return Number(found?.partitions[0]?.offset ?? -1);
    },
    async kill() {
      broker.signal("SIGKILL");
      await broker.end();
    },
    async restart() {
      broker = start();
      await ready();
    },
    async stop() {
      await Promise.all([admin.disconnect(), producer.disconnect(), ...endings.map((end) => end())]);
      broker.signal("SIGKILL"); // what it holds is thrown away, and leaving in order takes it seconds
      await Promise.all([broker.end(), way.close()]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly directory: string;
  /** What it calls itself to whoever comes to `portBehind`. */
  readonly address: string;
  /** Where the tests ask it themselves. */
  readonly own: string;
  readonly portBehind: number;
  readonly controllerPort: number;
}

function settings({ directory, address, own, portBehind, controllerPort }: Place): string {
  const controller = `127.0.0.1:${controllerPort}`;
  const all = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@${controller}`,
    listeners: `OWN://${own},BEHIND://127.0.0.1:${portBehind},CONTROLLER://${controller}`,
    "advertised.listeners": `OWN://${own},BEHIND://${address}`,
    "listener.security.protocol.map": "OWN:PLAINTEXT,BEHIND:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "OWN",
    "controller.listener.names": "CONTROLLER",
    "log.dirs": join(directory, "data"),
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    // So long a killed one is taken to be still there when it starts again.
    "broker.session.timeout.ms": 1_000,
    "broker.heartbeat.interval.ms": 200,
    "auto.create.topics.enable": false,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

function seenRecord({ key, value, headers }: KafkaMessage): SeenRecord {
  return { key: key?.toString(), value: value?.toString() ?? "", headers: textsOf(headers) };
}

function textsOf(headers: IHeaders = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
