// URLs of Sentinels and of a Cluster: what is read, what is refused, and that a credential never shows.
import { describe, expect, test } from "vitest";
import { describePlace, parsePlace, type RedisPlace } from "../../../../src/revocation/redis/place.ts";
import type { RedisAddress } from "../../../../src/revocation/redis/url.ts";

function address(
  host: string,
  port: number,
  over: Partial<RedisAddress> & { readonly tls?: boolean } = {},
): RedisAddress {
  const { tls = false, ...rest } = over;
  return { at: { kind: "tcp", host, port, tls }, db: 0, username: undefined, password: undefined, ...rest };
}

const read: readonly (readonly [string, RedisPlace, string])[] = [
  [
    "redis+sentinel://a:1,b/pc",
    {
      kind: "sentinel",
      sentinels: [address("a", 1), address("b", 26_379)],
      primaryName: "pc",
      primary: address("primary", 6_379),
    },
    "redis+sentinel://a:1,b:26379/pc/0",
  ],
  [
    "rediss+sentinel://u:p%40@a:1,[::1]:2/pc/3?sentinelUser=s&sentinelPassword=t%2F",
    {
      kind: "sentinel",
      sentinels: [
        address("a", 1, { tls: true, username: "s", password: "t/" }),
        address("::1", 2, { tls: true, username: "s", password: "t/" }),
      ],
      primaryName: "pc",
      primary: address("primary", 6_379, { tls: true, db: 3, username: "u", password: "p@" }),
    },
    "rediss+sentinel://a:1,[::1]:2/pc/3",
  ],
  [
    "redis+cluster://:p@a:1,b",
    { kind: "cluster", seeds: [address("a", 1, { password: "p" }), address("b", 6_379, { password: "p" })] },
    "redis+cluster://a:1,b:6379",
  ],
  ["redis://a:1/2", { kind: "one", address: address("a", 1, { db: 2 }) }, "redis://a:1/2"],
];

describe("a URL of several servers", () => {
  test.each(read)("%s is read", (url, place, described) => {
    expect(parsePlace(url)).toEqual({ ok: true, value: place });
    expect(describePlace(place)).toBe(described);
  });

  test.each([
    "redis+sentinel://a:1",
    "redis+sentinel://a:1/",
    "redis+sentinel://a:1,/pc",
    "redis+sentinel://a:1/pc/x",
    "redis+sentinel://a:1/pc/0/1",
    "redis+sentinel://a:99999/pc",
    "redis+sentinel://a:1/pc?db=1",
    "redis+sentinel://a:1/pc?sentinelUser=s",
    "redis+sentinel:///pc",
    "redis+cluster://a:1/1",
    "redis+cluster://a:1?x=1",
    "redis+cluster://%ff:x@a:1",
    "redis+other://a:1",
    "unix+cluster://a:1",
  ])("%s is refused", (url) => expect(parsePlace(url).ok).toBe(false));

  test("a refusal never shows the credential", () => {
    expect(JSON.stringify(parsePlace("redis+sentinel://u:secret@a:1/pc/x"))).not.toContain("secret");
    expect(JSON.stringify(parsePlace("redis+sentinel://a:x/pc?sentinelPassword=secret"))).not.toContain("secret");
  });
});
