// Writes two commands to one connection, with nothing in between that could change it.

import type { Link } from "./link.ts";
import type { AskTogether } from "./replication.ts";

/** A connection that is just being made is waited for: it is not open until somebody needs it. */
const CONNECTION_GRACE_MS = 750;

/** `linkTo` tells which link leads to a key's holder; undefined: none is known. Starts it. */
export function togetherOn(linkTo: (key: string) => Link | undefined): AskTogether {
  return async (key, [first, ...firstArgs], [second, ...secondArgs], timeoutMs) => {
    const link = linkTo(key);
    if (link === undefined) return [NOBODY, NOBODY];
    link.start();
    await link.whenOpen(CONNECTION_GRACE_MS);
    return Promise.all([link.send(first, firstArgs, timeoutMs), link.send(second, secondArgs, timeoutMs)]);
  };
}

const NOBODY = { ok: false, error: { cause: "cluster_down", detail: "nobody is known to hold the slot" } } as const;
