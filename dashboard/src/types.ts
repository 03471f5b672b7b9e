// What the control plane answers, as far as the page looks at it (the whole is at /openapi.json).

export const KINDS = ["token", "session", "user", "tenant", "client", "key", "issuer", "everything"] as const;
export type Kind = (typeof KINDS)[number];

export interface Target {
  readonly kind: Kind;
  readonly issuer?: string;
  readonly id?: string;
}

export interface Session {
  readonly signed_in: true;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly csrf: string;
  /** Epoch milliseconds. */
  readonly until: number;
  readonly issuers: readonly { readonly id: string; readonly issuer: string }[];
  readonly second_person: readonly Kind[];
  readonly version: string;
}

export interface SignedOut {
  readonly signed_in: false;
  readonly by_provider: boolean;
  readonly by_token: boolean;
}

export interface Rates {
  readonly allowed: number;
  readonly denied: Readonly<Record<string, number>>;
  readonly failed_open: number;
}

export interface Sidecar {
  readonly id: string;
  readonly version: string;
  readonly breaker: "closed" | "open" | "half-open";
  readonly lag_ms: number | null;
  readonly last_seen: number;
  readonly started_at: number;
  readonly rates: Rates | null;
}

export interface Summary {
  readonly at: number;
  readonly store_up: boolean;
  readonly store_ms: number;
  readonly live: number;
  readonly failing_open: number;
  readonly rates: Rates | null;
  readonly latency_ms: Readonly<Record<"p50" | "p90" | "p99", number | null>> | null;
  readonly sidecars: readonly Sidecar[];
}

export interface Checked {
  readonly revoked: boolean;
  readonly id?: string;
  readonly since?: number;
  readonly issued_before?: number;
  readonly by?: string;
  readonly reason?: string;
}

export interface Revocation {
  readonly id: string;
  readonly seq?: number;
  readonly at?: number;
  readonly target: Target;
  readonly issued_before?: number;
  readonly expires_at: number | null;
  readonly reason?: string;
  readonly by?: string;
}

export interface Pending {
  readonly status: "pending";
  readonly id: string;
  readonly at: number;
  readonly by: string;
  readonly expires_at: number;
  readonly target: Target;
  readonly reason: string;
}

export interface Acknowledged extends Revocation {
  readonly receipt: {
    readonly durability: "stored" | "replicated";
    readonly fleet?: {
      readonly live: number;
      readonly applied: number;
      readonly pending: readonly string[];
      readonly ms: number;
    };
  };
}

export interface Preview {
  readonly tokens: number;
  readonly sessions: number;
  readonly users: number;
  readonly exact: boolean;
  readonly within_ms: number;
  readonly coverage: {
    readonly live: number;
    readonly answered: number;
    readonly missing: readonly string[];
    readonly back_ms: number | null;
  };
}

export interface AuditItem {
  readonly actor?: string;
  readonly action: string;
  readonly target?: Target;
  readonly reason?: string;
  readonly at?: number;
  readonly id?: string;
  readonly count?: number;
  readonly chain: number;
  readonly seq: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
}

export interface FeedEvent {
  readonly type: string;
  readonly id?: string;
  readonly seq: number;
  readonly at?: number;
  readonly target?: Target;
  readonly reason?: string;
}

export interface Explanation {
  readonly steps: readonly { readonly step: string; readonly result: string }[];
  readonly verdict: {
    readonly decision: "allow" | "deny";
    readonly reason: string;
    readonly assurance?: string;
    readonly http_status: number;
  };
}
