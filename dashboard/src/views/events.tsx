// What is revoked and lifted, as it happens.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { moment, nameOf } from "../format.ts";
import { Note } from "../parts/note.tsx";
import type { FeedEvent } from "../types.ts";

type Connection = "connecting" | "open" | "lost";

const KEPT = 200;
const RETRY_MS = 3_000;

/** Kept while the page is open: going to another view and back loses nothing, and nothing twice. */
let seen: readonly FeedEvent[] = [];

const WORDS: Readonly<Record<Connection, string>> = {
  connecting: "Connecting …",
  open: "Listening: new events appear by themselves.",
  lost: "The connection is lost: trying again. What happens meanwhile is caught up with.",
};

export function EventsView(): JSX.Element {
  const [events, setEvents] = useState(seen);
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(() => {
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const add = (message: MessageEvent<string>): void => {
      const event = JSON.parse(message.data) as FeedEvent;
      seen = [event, ...seen.filter(({ seq }) => seq !== event.seq)].slice(0, KEPT);
      setEvents(seen);
    };
    const open = (): void => {
      const last = seen[0]?.seq;
      source = new EventSource(last === undefined ? "/v1/events" : `/v1/events?after=${last}`);
      source.addEventListener("open", () => setConnection("open"));
      source.addEventListener("message", add);
      source.addEventListener("reset", add as (event: Event) => void);
      source.addEventListener("error", () => {
        setConnection("lost");
        if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY_MS);
      });
    };
    open();
    return () => {
      clearTimeout(timer);
      source?.close();
    };
  }, []);
  return (
    <>
      <Note kind={connection === "lost" ? "warn" : "info"}>{WORDS[connection]}</Note>
      {events.length === 0 && connection === "open" ? <p class="hint">Nothing has happened since you came.</p> : null}
      <ol class="events" aria-live="polite">
        {events.map((event) => (
          <li key={event.seq}>
            <span class={event.type === "REVOCATION_LIFTED" ? "state good" : "state broken"}>{event.type}</span>
            <span class="code">{event.target === undefined ? "" : nameOf(event.target)}</span>
            <span>{event.reason ?? (event.type === "RESET" ? "something was missed: read the list anew" : "")}</span>
            <span class="hint">
              {event.at === undefined ? "" : moment(event.at)} · {event.seq}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}
