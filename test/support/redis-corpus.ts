// Replies that once did harm, one a file, named by what was asked and what came: tried first by the tests that found them.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Resp } from "./resp-server.ts";

const CORPUS = "test/property/redis-corpus";

/** Those to one kind of question. */
export function foundBefore(asked: "look-up" | "bytes" | "moment" | "entries" | "scan" | "links"): readonly Resp[] {
  const names = readdirSync(CORPUS).filter((name) => name.startsWith(`${asked}-of-`));
  return names.toSorted().map((name) => JSON.parse(readFileSync(join(CORPUS, name), "utf8")) as Resp);
}
