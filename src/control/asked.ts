// What one who asks for a revocation says, and what he is told of how far it got. It decides nothing.

import type { StoredRevocation } from "../revocation/store.ts";
import type { Caller } from "./access.ts";
import type { FleetReceipt } from "./fleet/receipt.ts";
import type { Once } from "./idempotency.ts";
import type { RevocationRequest } from "./new-revocation.ts";

/** As NEW_REVOCATION of schemas.ts has it. */
export interface RevokeBody extends RevocationRequest {
  readonly wait?: "stored" | "replicated" | "fleet";
}

/** What was reached: a primary has it, or a replica, too. */
type Durability = "stored" | "replicated";

export interface Receipt {
  readonly durability: Durability;
  /** undefined: it was not waited for, or cannot be told. */
  readonly fleet: FleetReceipt | undefined;
}

export interface Asked {
  readonly caller: Caller;
  readonly body: RevokeBody;
  /** Epoch milliseconds: exp of the one token meant, where its signature was verified here. */
  readonly tokenExpiresAtMs?: number | undefined;
  /** The caller's Idempotency-Key, and what else must be equal for this to be the same request; undefined: none sent. */
  readonly once: (Pick<Once, "key" | "keepMs" | "takesOver"> & { readonly after: readonly unknown[] }) | undefined;
  /** What becomes of it where its kind needs a second person. Left out: it has that, or an authority of its own. */
  readonly alone?: "waits" | "refused";
  /** The answer to send, and to give again under the same key. */
  readonly answer: (stored: StoredRevocation, receipt: Receipt) => string;
}
