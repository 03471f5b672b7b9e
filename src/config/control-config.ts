// The control plane and its dashboard, in the effective configuration (config.ts). It decides nothing.

import type { ControlScope } from "../core/control-scope.ts";
import type { TargetKind } from "../core/target.ts";
import type { TlsFiles } from "./tls-files.ts";

interface ControlTokenConfig {
  readonly name: string;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
  readonly scopes: readonly ControlScope[];
}

export interface ControlConfig {
  readonly url: string;
  /** Id of the issuer whose access tokens may call the API; undefined: bootstrap tokens only. */
  readonly issuer: string | undefined;
  readonly audience: string;
  readonly tokens: readonly ControlTokenConfig[];
  /** Kinds that another admin must approve. */
  readonly secondPerson: readonly TargetKind[];
  /** Undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  readonly audit: {
    readonly keepMs: number;
    /** Of all control planes on the store together. */
    readonly maxEntries: number;
    /** What the trail is signed with; undefined: made once and kept in the store. */
    readonly secret: string | undefined;
  };
  /** With which a sidecar reports to `url`, and follows and asks the relay there; a secret. undefined: it does not report. */
  readonly reportToken: string | undefined;
}

/** An OpenID provider at which people sign in to the dashboard. */
interface OidcConfig {
  readonly issuer: string;
  readonly clientId: string;
  /** A secret; undefined: a public client. */
  readonly clientSecret: string | undefined;
  readonly redirectUrl: string;
  readonly scope: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface DashboardConfig {
  readonly oidc: OidcConfig | undefined;
  readonly tokenSignIn: boolean;
}
