// Trap 16: whoever finds a token by a part of it lets another one in.
import { describe, expect, test } from "vitest";
import { createTokenCache, type Remembered } from "../../../src/token/token-cache.ts";

class Known implements Remembered {
  readonly said: string;
  readonly #token: Buffer;

  constructor(token: Buffer, said: string) {
    this.said = said;
    this.#token = token;
  }

  isOf(token: Buffer): boolean {
    return this.#token.equals(token);
  }
}

const BOUNDS = { maxTokens: 100, maxTokenBytes: 16_384 };
const TOKEN = Buffer.from(`${"h".repeat(40)}.${"c".repeat(300)}.${"s".repeat(342)}`);

function changedAt(place: number): Buffer {
  const changed = Buffer.from(TOKEN);
  changed[place] = (changed[place] as number) ^ 1;
  return changed;
}

describe("a token is known by all of its bytes", () => {
  test("and by no other that differs in a single one of them", () => {
    const cache = createTokenCache<Known>(BOUNDS);
    cache.set(TOKEN, new Known(TOKEN, "good"));
    for (let place = 0; place < TOKEN.length; place++)
      expect(cache.get(changedAt(place)), String(place)).toBeUndefined();
    expect(cache.get(Buffer.from(TOKEN))?.said).toBe("good");
  });

  test.each([
    ["its beginning", TOKEN.subarray(0, -1)],
    ["its end", TOKEN.subarray(1)],
    ["nothing of it", Buffer.alloc(0)],
    ["all of it and a byte more", Buffer.concat([TOKEN, Buffer.from("s")])],
    ["a byte before it", Buffer.concat([Buffer.from("h"), TOKEN])],
    ["another signature", Buffer.concat([TOKEN.subarray(0, 342), Buffer.from("t".repeat(342))])],
    ["other claims under its signature", Buffer.concat([Buffer.from("i".repeat(342)), TOKEN.subarray(342)])],
  ])("nor by %s", (_what, other) => {
    const cache = createTokenCache<Known>(BOUNDS);
    cache.set(TOKEN, new Known(TOKEN, "good"));
    expect(cache.get(other)).toBeUndefined();
  });
});

describe("tokens that share a hash", () => {
  const other = changedAt(7);
  const colliding = (): ReturnType<typeof createTokenCache<Known>> =>
    createTokenCache<Known>({ ...BOUNDS, hashOf: () => 42 });

  test("are never taken for each other: the later one is remembered, the earlier forgotten", () => {
    const cache = colliding();
    cache.set(TOKEN, new Known(TOKEN, "one"));
    expect(cache.get(other)).toBeUndefined();
    cache.set(other, new Known(other, "other"));
    expect(cache.get(other)?.said).toBe("other");
    expect(cache.get(TOKEN)).toBeUndefined();
  });

  test("are never forgotten for each other", () => {
    const cache = colliding();
    cache.set(TOKEN, new Known(TOKEN, "one"));
    cache.delete(other);
    expect(cache.get(TOKEN)?.said).toBe("one");
    cache.delete(TOKEN);
    expect(cache.get(TOKEN)).toBeUndefined();
  });
});

test("whoever gave a value is told when it is in the cache no more, whichever way it left", () => {
  const told: string[] = [];
  const cache = createTokenCache<Known>({
    maxTokens: 2,
    maxTokenBytes: 16_384,
    forgotten: ({ said }) => void told.push(`${said} made room`),
    released: ({ said }) => void told.push(`${said} left`),
  });
  const tokens = [1, 2, 3].map((i) => changedAt(TOKEN.length - i)) as [Buffer, Buffer, Buffer];
  cache.set(tokens[0], new Known(tokens[0], "one"));
  cache.set(tokens[0], new Known(tokens[0], "one again"));
  cache.set(tokens[1], new Known(tokens[1], "two"));
  expect(told).toEqual(["one left"]);
  cache.set(tokens[2], new Known(tokens[2], "three"));
  expect(told).toEqual(["one left", "one again made room", "one again left"]);
  cache.delete(tokens[1]);
  cache.delete(tokens[1]);
  expect(told.slice(3)).toEqual(["two left"]);
});
