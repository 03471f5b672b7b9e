// A real OpenTelemetry Collector, as scripts/install-collector builds it: takes OTLP over gRPC and HTTP on ports of its
// own, and writes what came into a file. Where it was not built, its tests are skipped and say so.

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePorts } from "./ports.ts";
import { startProcess } from "./process.ts";

export const COLLECTOR: string = resolve(".cache/collector/collector");

/** For the end of a title; empty where it is built. */
export const WHY_NO_COLLECTOR: string = existsSync(COLLECTOR)
  ? ""
  : " (skipped: the collector compiles for a minute; run make trace-check)";

/** As OTLP's JSON has it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty or absent for a root. */
  readonly parentSpanId?: string;
  readonly name: string;
  /** Of its resource. */
  readonly service: string;
  /** Those that are texts. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Collector {
  readonly grpcPort: number;
  readonly httpUrl: string;
  /** Every span that came so far. */
  spans(): Promise<readonly CollectedSpan[]>;
  stop(): Promise<void>;
}

interface Attributed {
  readonly attributes?: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

interface Batch {
  readonly resourceSpans: readonly {
    readonly resource: Attributed;
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<CollectedSpan, "service" | "attributes"> & Attributed)[];
    }[];
  }[];
}

export async function startCollector(): Promise<Collector> {
  const folder = await mkdtemp(join(tmpdir(), "collector-"));
  const [grpcPort = 0, httpPort = 0] = await freePorts(2);
  const file = join(folder, "spans.json");
  const config = {
    receivers: {
      otlp: {
        protocols: { grpc: { endpoint: `127.0.0.1:${grpcPort}` }, http: { endpoint: `127.0.0.1:${httpPort}` } },
      },
    },
    exporters: { file: { path: file, flush_interval: "100ms" } },
    service: {
      telemetry: { metrics: { level: "none" } },
      pipelines: { traces: { receivers: ["otlp"], exporters: ["file"] } },
    },
  };
  const configFile = join(folder, "collector.yaml");
  await writeFile(configFile, JSON.stringify(config));
  const running = startProcess(COLLECTOR, ["--config", configFile]);
  await running.line(/Everything is ready/);
  return {
    grpcPort,
    httpUrl: `http://127.0.0.1:${httpPort}`,
    async spans() {
      const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1); // the last one is not whole yet, or empty
      return lines.flatMap((line) => spansOf(JSON.parse(line) as Batch));
    },
    async stop() {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function spansOf({ resourceSpans }: Batch): readonly CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = attributesOf(resource)["service.name"] ?? "";
    return scopeSpans.flatMap(({ spans }) => {
      return spans.map((span) => Object.assign(span, { service, attributes: attributesOf(span) }));
    });
  });
}

function attributesOf({ attributes = [] }: Attributed): Readonly<Record<string, string>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? ""]));
}
