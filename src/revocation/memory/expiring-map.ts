// A map whose entries end at their time, as a store's keys do. It never answers with an entry past its expiry.

/** Entries looked at for their end with each one set: two would do to keep up, more catches up. */
const SWEPT_PER_SET = 8;

export interface ExpiringMap<V> {
  get(key: string): V | undefined;
  /** `expiresAtMs` in epoch milliseconds; undefined: never. */
  set(key: string, value: V, expiresAtMs: number | undefined): void;
  delete(key: string): void;
  /** Those that live. */
  entries(): [string, V][];
}

export function createExpiringMap<V>(nowMs: () => number): ExpiringMap<V> {
  const held = new Map<string, { readonly value: V; readonly expiresAtMs: number }>();
  let broom = held.entries();

  function sweep(): void {
    const now = nowMs();
    for (let i = 0; i < SWEPT_PER_SET; i += 1) {
      const next = broom.next();
      if (next.done === true) {
        broom = held.entries();
        return;
      }
      const [key, entry] = next.value;
      if (entry.expiresAtMs <= now) held.delete(key);
    }
  }

  return {
    get(key) {
      const entry = held.get(key);
      return entry === undefined || entry.expiresAtMs <= nowMs() ? undefined : entry.value;
    },
    set(key, value, expiresAtMs) {
      sweep();
      held.set(key, { value, expiresAtMs: expiresAtMs ?? Infinity });
    },
    delete(key) {
      held.delete(key);
    },
    entries() {
      const now = nowMs();
      return [...held]
        .filter(([, entry]) => entry.expiresAtMs > now)
        .map(([key, entry]): [string, V] => [key, entry.value]);
    },
  };
}
