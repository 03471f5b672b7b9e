// Server-sent events out of the text of a stream (WHATWG HTML §9.2.6). It knows neither sockets nor what events mean.

import { createLineCutter } from "./line-cutter.ts";

export interface SentEvent {
  /** `message` unless it was named. */
  readonly name: string;
  readonly data: string;
}

export interface SseParser {
  /** The events that `text` completes; "too large": more came without an end than anybody should keep. */
  push(text: string): readonly SentEvent[] | "too large";
  /** Where to go on after a lost connection; "": nothing has said. */
  lastEventId(): string;
  /** What the server asks to be waited before the next try. */
  retryMs(): number | undefined;
}

/** The longest event of a control plane, with every character of its reason escaped, takes about 20 KB. */
const MAX_EVENT_CHARS = 1_048_576;

/** `lastEventId` of the connection before. */
export function createSseParser(lastEventId = ""): SseParser {
  const cutter = createLineCutter();
  let event = { name: "", data: "", hasData: false, charCount: 0 };
  let seenId = lastEventId;
  let id = lastEventId;
  let retry: number | undefined;

  function take(field: string, value: string): void {
    if (field === "data") event.data += `${event.hasData ? "\n" : ""}${value}`;
    if (field === "data") event.hasData = true;
    if (field === "event") event.name = value;
    if (field === "id" && !value.includes("\0")) seenId = value;
    if (field === "retry" && /^\d{1,9}$/.test(value)) retry = Number(value);
  }

  function takeLine(text: string): undefined {
    event.charCount += text.length;
    const colon = text.indexOf(":");
    if (colon === -1) take(text, "");
    else if (colon > 0) take(text.slice(0, colon), text.slice(colon + 1).replace(/^ /, ""));
  }

  /** An empty line ends an event; one without data only moves the id. */
  function end(): SentEvent | undefined {
    const { name, data, hasData } = event;
    event = { name: "", data: "", hasData: false, charCount: 0 };
    id = seenId;
    return hasData ? { name: name === "" ? "message" : name, data } : undefined;
  }

  return {
    push(text) {
      const events: SentEvent[] = [];
      for (const line of cutter.push(text)) {
        const ended = line === "" ? end() : takeLine(line);
        if (ended !== undefined) events.push(ended);
      }
      return cutter.restCharCount() + event.charCount > MAX_EVENT_CHARS ? "too large" : events;
    },
    lastEventId: () => id,
    retryMs: () => retry,
  };
}
