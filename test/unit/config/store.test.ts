// URLs of Redis: what the configuration lets through is what the store understands.

import { describe, expect, it } from "vitest";
import { parsePlace } from "../../../src/revocation/redis/place.ts";
import { problemsWith, warningsWith } from "./support.ts";

describe("store.url", () => {
  it.each([
    "redis://127.0.0.1:6379/0",
    "redis://h",
    "redis://h/",
    "redis://h/15",
    "rediss://u:p%40ss@h:6380/1",
    "redis://:p@[::1]:6379",
    "unix:/run/redis.sock",
    "unix:/run/redis.sock?db=3",
    "unix:///run/redis.sock",
    "unix://u:p@/run/redis.sock",
    "redis+sentinel://h:1,i:2/name",
    "rediss+cluster://u:p@h:1,i",
  ])("%s is one, to the store too", (url) => {
    expect(problemsWith(`store: { url: "${url}" }`)).toEqual([]);
    expect(parsePlace(url).ok).toBe(true);
  });

  it.each([
    "",
    "h:6379",
    "http://h",
    "redis:",
    "redis://",
    "redis://h:x",
    "redis://h:99999",
    "redis://h/a",
    "redis://h?x=1",
    "redis://h/0#x",
    "unix:",
    "unix:run.sock",
    "redis://h h",
    "redis+sentinel://h:1,i:2",
    "redis+cluster://",
    "redis+other://h:1/name",
  ])("%j is none", (url) => expect(problemsWith(`store: { url: "${url}" }`).length).toBeGreaterThan(0));
});

describe("store.timeout", () => {
  it("longer than the deadline is warned of: it is never reached", () => {
    expect(warningsWith("store: { timeout: 1s }")).toEqual([
      "store.timeout  is longer than deadline, which ends a look-up first",
    ]);
    expect(warningsWith("store: { timeout: 1s }\ndeadline: 2s")).toEqual([]);
  });
});
