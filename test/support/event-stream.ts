// Follows /v1/events as an EventSource does, by real HTTP, and remembers all that came.
import { get, type IncomingMessage } from "node:http";
import { until } from "./wait.ts";

export interface SentEvent {
  /** "message" unless it was named. */
  readonly name: string;
  readonly id: string | undefined;
  readonly data: {
    readonly type: string;
    readonly id?: string;
    readonly seq: number;
    readonly target?: { readonly id?: string };
    readonly [other: string]: unknown;
  };
}

export interface EventStream {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly events: readonly SentEvent[];
  /** Everything that came, as it came. */
  text(): string;
  hasEnded(): boolean;
  /** Waits for the `count`th event, half a minute at most. */
  seen(count: number): Promise<readonly SentEvent[]>;
  /** Stops reading, or goes on. */
  pause(): void;
  resume(): void;
  close(): void;
}

export async function openEvents(
  url: string,
  token: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<EventStream> {
  const events: SentEvent[] = [];
  const chunks: string[] = [];
  let rest = "";
  let hasEnded = false;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers: { authorization: `Bearer ${token}`, ...headers }, agent: false }, resolve).on("error", reject);
  });
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    chunks.push(chunk);
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== undefined) events.push(event);
    }
  });
  response.on("error", () => {});
  response.on("close", () => {
    hasEnded = true;
  });
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    text: () => chunks.join(""),
    hasEnded: () => hasEnded,
    seen: (count) => until(`${count} events`, () => (events.length >= count ? events : undefined), 30_000),
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => void response.destroy(),
  };
}

/** undefined for what only sets the time to come again, or is a comment. */
function eventOf(block: string): SentEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
  }
  const data = fields.get("data");
  if (data === undefined) return undefined;
  return { name: fields.get("event") ?? "message", id: fields.get("id"), data: JSON.parse(data) as SentEvent["data"] };
}
