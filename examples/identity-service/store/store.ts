// What the identity service keeps, as a port: texts by key with an expiry, and sets whose members expire. Changes that
// belong together are made together or not at all. It never knows what its texts mean.

export type Change =
  | { readonly put: string; readonly value: string; readonly expiresAtMs?: number }
  | { readonly drop: string }
  | { readonly link: string; readonly member: string; readonly expiresAtMs: number }
  | { readonly unlink: string; readonly member: string };

export interface IdentityStore {
  /** Undefined: there is none, or it has expired. */
  get(key: string): Promise<string | undefined>;
  /** Puts `value` only where `expected` (undefined: nothing) still is, and says whether it did. */
  swap(key: string, expected: string | undefined, value: string, expiresAtMs?: number): Promise<boolean>;
  /** All of them or none. */
  write(changes: readonly Change[]): Promise<void>;
  /** Those that have not expired, in no order. */
  members(set: string): Promise<readonly string[]>;
  /** Rejects while it cannot be asked. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Puts what `next` makes of the value that is there, however many others try to at the same time. */
export async function update(
  store: IdentityStore,
  key: string,
  next: (value: string | undefined) => { readonly value: string; readonly expiresAtMs?: number } | undefined,
): Promise<void> {
  for (;;) {
    const was = await store.get(key);
    const will = next(was);
    if (will === undefined || (await store.swap(key, was, will.value, will.expiresAtMs))) return;
  }
}
