// The signing keys: one signs, its successor is published long before it does, and a predecessor stays published until the
// last token it signed has died. All processes on one store see one ring, and each reads off it by the clock who signs.
import { generateKeyPair, randomUUID, type JsonWebKey } from "node:crypto";
import { promisify } from "node:util";
import { update, type IdentityStore } from "./store/store.ts";

const RING = "keys";

interface RingKey {
  readonly kid: string;
  readonly publishedAtMs: number;
  /** It signs from here on, until its successor does. */
  readonly activeFromMs: number;
  /** The private key. */
  readonly jwk: JsonWebKey;
}

export interface KeyRingOptions {
  readonly store: IdentityStore;
  readonly rotateEveryMs: number;
  /** A key signs nothing before it has been published for so long: as long as verifiers may take to look again. */
  readonly publishLeadMs: number;
  /** The longest life of anything signed, and what clocks may differ. */
  readonly keepMs: number;
}

/** What a provider is made of: the private keys, the one that signs first. */
export interface SigningKeys {
  readonly kid: string;
  readonly keys: readonly JsonWebKey[];
}

export interface KeyState {
  readonly kid: string;
  readonly state: "next" | "signing" | "retired";
  readonly active_from: number;
}

export interface KeyRing {
  /** Brings the ring up to date and returns it as it is now. */
  current(): Promise<SigningKeys>;
  states(): Promise<readonly KeyState[]>;
  /** Has the next key sign as soon as it has been published for the lead. */
  rotate(): Promise<{ readonly kid: string; readonly active_from: number }>;
}

const makeKeyPair = promisify(generateKeyPair);

export function createKeyRing({ store, rotateEveryMs, publishLeadMs, keepMs }: KeyRingOptions): KeyRing {
  /** The ring at `nowMs`: a successor for the key that signs, and nothing that is dead. */
  async function turned(): Promise<readonly RingKey[]> {
    const spare = await makeKey();
    let ring: readonly RingKey[] = [];
    await update(store, RING, (value) => {
      const nowMs = Date.now();
      const kept = read(value);
      ring = living(withSuccessor(kept, spare, nowMs), nowMs);
      const same = ring.length === kept.length && ring.every(({ kid }, index) => kid === kept[index]?.kid);
      return same ? undefined : { value: JSON.stringify(ring) };
    });
    return ring;
  }

  function withSuccessor(ring: readonly RingKey[], spare: JsonWebKey & { kid: string }, nowMs: number): RingKey[] {
    const newest = ring.at(-1);
    if (newest !== undefined && newest.activeFromMs > nowMs) return [...ring];
    const fresh = (activeFromMs: number, jwk: JsonWebKey & { kid: string }): RingKey => ({
      kid: jwk.kid,
      publishedAtMs: nowMs,
      activeFromMs,
      jwk,
    });
    if (newest === undefined) return [fresh(nowMs, spare)];
    return [...ring, fresh(Math.max(newest.activeFromMs + rotateEveryMs, nowMs + publishLeadMs), spare)];
  }

  function living(ring: readonly RingKey[], nowMs: number): RingKey[] {
    return ring.filter((_, index) => {
      const successor = ring[index + 1];
      return successor === undefined || successor.activeFromMs + keepMs > nowMs;
    });
  }

  return {
    async current() {
      // A first key has no successor yet: the second turn makes it.
      const kept = read(await store.get(RING));
      const nowMs = Date.now();
      const isUpToDate = (kept.at(-1)?.activeFromMs ?? 0) > nowMs && living(kept, nowMs).length === kept.length;
      const ring = isUpToDate ? kept : kept.length === 0 ? (await turned(), await turned()) : await turned();
      const signing = signingKey(ring, nowMs);
      const others = ring.filter((key) => key !== signing);
      return { kid: signing.kid, keys: [signing, ...others].map(({ jwk }) => jwk) };
    },
    async states() {
      const nowMs = Date.now();
      const ring = read(await store.get(RING));
      const signing = signingKey(ring, nowMs);
      return ring.map(({ kid, activeFromMs }) => ({
        kid,
        state: kid === signing.kid ? "signing" : activeFromMs > nowMs ? "next" : "retired",
        active_from: activeFromMs,
      }));
    },
    async rotate() {
      let next = { kid: "", active_from: 0 };
      await update(store, RING, (value) => {
        const ring = read(value);
        const newest = ring.at(-1);
        if (newest === undefined) throw new Error("there is no key yet");
        const activeFromMs = Math.min(newest.activeFromMs, Math.max(Date.now(), newest.publishedAtMs + publishLeadMs));
        next = { kid: newest.kid, active_from: activeFromMs };
        return { value: JSON.stringify([...ring.slice(0, -1), { ...newest, activeFromMs }]) };
      });
      return next;
    },
  };
}

function signingKey(ring: readonly RingKey[], nowMs: number): RingKey {
  const signing = ring.findLast(({ activeFromMs }) => activeFromMs <= nowMs) ?? ring[0];
  if (signing === undefined) throw new Error("there is no signing key");
  return signing;
}

function read(value: string | undefined): readonly RingKey[] {
  return value === undefined ? [] : (JSON.parse(value) as readonly RingKey[]);
}

async function makeKey(): Promise<JsonWebKey & { kid: string }> {
  const { privateKey } = await makeKeyPair("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig", kid: randomUUID() };
}
