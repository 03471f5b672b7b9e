// Decides which rule judges a request: the first that matches, else the strictest tier with a token required.
// Compiled once at load; never looks at headers, query or credentials.

import { err, ok, type Result } from "../core/result.ts";
import type { Tier } from "../core/tier.ts";
import { canonicalHost } from "./host.ts";
import { compilePattern, matchesPattern, type PathPattern } from "./pattern.ts";

/** One line of `routes`. */
export interface RouteRule {
  /** How the rule is called in metadata, metrics and logs; undefined: its index. */
  readonly name: string | undefined;
  /** Undefined: every host. */
  readonly host: string | undefined;
  readonly path: string;
  /** Compared case by case, as HTTP methods are (RFC 9110 §9.1); undefined: every method. */
  readonly methods: readonly string[] | undefined;
  /** Undefined: the strictest. */
  readonly tier: Tier | undefined;
  readonly scopes: readonly string[];
  readonly anonymous: boolean;
}

/** What the policy asks of one request. One object per rule, shared by all its requests. */
export interface RouteJudgement {
  /** Name or index of the rule; undefined: none matched. */
  readonly rule: string | undefined;
  readonly anonymous: boolean;
  readonly tier: Tier;
  /** All of them are needed. */
  readonly scopes: readonly string[];
}

export interface Routes {
  /**
   * The form of a received host that rules are matched on; "" for every host where no rule names one. Undefined: some
   * rule does, and this host has no one meaning, so that a rule could be missed by spelling: to be refused.
   */
  hostOf(received: string): string | undefined;
  /** `host` and `path` in canonical form. */
  judge(method: string, host: string, path: string): RouteJudgement;
  /** For a path without one meaning: strictest tier, never anonymous, every scope any rule of `host` asks for. */
  judgeAmbiguous(host: string): RouteJudgement;
}

/** What is wrong with a rule, for people. */
export interface RouteProblem {
  readonly index: number;
  readonly problem: string;
}

interface CompiledRule {
  readonly host: string | undefined;
  readonly methods: readonly string[] | undefined;
  readonly pattern: PathPattern;
  readonly judgement: RouteJudgement;
}

/** Compiles all rules, or says everything that is wrong with them. */
export function compileRoutes(rules: readonly RouteRule[], strictest: Tier): Result<Routes, readonly RouteProblem[]> {
  const compiled: CompiledRule[] = [];
  const problems: RouteProblem[] = [];
  for (const [index, rule] of rules.entries()) {
    const pattern = compilePattern(rule.path);
    const host = rule.host === undefined ? undefined : canonicalHost(rule.host);
    if (!pattern.ok) problems.push({ index, problem: pattern.error });
    else if (host === undefined && rule.host !== undefined) problems.push({ index, problem: "its host is none" });
    else compiled.push(compileRule(rule, index, host, pattern.value, strictest));
  }
  if (problems.length > 0) return err(problems);
  return ok(routesOf(compiled, strictest));
}

function compileRule(
  rule: RouteRule,
  index: number,
  host: string | undefined,
  pattern: PathPattern,
  strictest: Tier,
): CompiledRule {
  return {
    host,
    methods: rule.methods,
    pattern,
    judgement: {
      rule: rule.name ?? String(index),
      anonymous: rule.anonymous,
      tier: rule.tier ?? strictest,
      scopes: rule.scopes,
    },
  };
}

function routesOf(rules: readonly CompiledRule[], strictest: Tier): Routes {
  const unmatched: RouteJudgement = { rule: undefined, anonymous: false, tier: strictest, scopes: [] };
  const needsHost = rules.some((rule) => rule.host !== undefined);
  const ambiguousByHost = new Map<string | undefined, RouteJudgement>();
  for (const host of [undefined, ...rules.map((rule) => rule.host)]) {
    ambiguousByHost.set(host, { ...unmatched, scopes: scopesOfHost(rules, host) });
  }
  const ambiguousElsewhere = ambiguousByHost.get(undefined) ?? unmatched;
  return {
    hostOf: (received) => (needsHost ? canonicalHost(received) : ""),
    judge(method, host, path) {
      for (const rule of rules) {
        if (rule.host !== undefined && rule.host !== host) continue;
        if (rule.methods !== undefined && !rule.methods.includes(method)) continue;
        if (matchesPattern(rule.pattern, path)) return rule.judgement;
      }
      return unmatched;
    },
    judgeAmbiguous: (host) => ambiguousByHost.get(host) ?? ambiguousElsewhere,
  };
}

function scopesOfHost(rules: readonly CompiledRule[], host: string | undefined): readonly string[] {
  const ofHost = rules.filter((rule) => rule.host === undefined || rule.host === host);
  return [...new Set(ofHost.flatMap((rule) => rule.judgement.scopes))];
}
