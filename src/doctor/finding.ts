// What the doctor says: one setting, where it stands, what it should be and why. It decides nothing.

import type { Page } from "./pages.ts";

/**
 * unsafe: somebody may get through who should not, or is taken for somebody else. slow: calls are refused or held for
 * no good reason. note: worth a look.
 */
export type Severity = "unsafe" | "slow" | "note";

export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  /** As in `listener ingress, filter envoy.filters.http.ext_authz`. */
  readonly where: string;
  /** What is set now; a setting that is not there is `unset`. */
  readonly found: string;
  readonly want: string;
  readonly why: string;
  /** A page that says more. */
  readonly see: string;
}

/** One entry of the catalogue of rules. */
export interface Rule extends Pick<Finding, "severity" | "want" | "why"> {
  readonly see: Page;
}

/** What a judge of one part says: the rule broken, where, and what it found. */
export type Tell<Id extends string> = (rule: Id, where: string, found: string) => void;
