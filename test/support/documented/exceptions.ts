// The commands of pages that are not run as they stand, and why: in short tables, each row of which must still be needed.

/** Not run here. What can be told of it without, is. */
export interface NotRun {
  readonly command: RegExp;
  readonly why: string;
  /** The test, or the step of CI, that runs it or what it stands for. */
  readonly checkedBy?: string;
}

export const NOT_RUN: readonly NotRun[] = [
  { command: /^kubectl /, why: "needs a cluster", checkedBy: "test/conformance/deploy-documented.test.ts" },
  { command: /^helm /, why: "needs a cluster", checkedBy: "test/conformance/deploy-documented.test.ts" },
  { command: /^docker /, why: "needs a container engine", checkedBy: "test/conformance/deploy-documented.test.ts" },
  { command: /^make test\b/, why: "is what runs this", checkedBy: ".ci/run" },
  { command: /^make chaos/, why: "takes minutes to hours", checkedBy: "test/chaos/short.test.ts" },
  { command: /^promtool /, why: "may be missing", checkedBy: "test/conformance/deploy-promtool.test.ts" },
  { command: /^chronyc /, why: "a container has no clock of its own to be asked about" },
  { command: /"\$RECORD_URL"/, why: "PostgreSQL may be missing" },
  { command: /_kafka_/, why: "needs a broker", checkedBy: "test/integration/kafka.test.ts" },
];

/** It is not over until somebody ends it. */
export interface Stays {
  readonly command: RegExp;
  /** In shell, `$stays` being what it wrote: that it does what it is there for. */
  readonly until: string;
}

const IS_READY = "curl -s --fail-with-body http://127.0.0.1:9002/readyz -o /dev/null";
const IS_CONTROL = "curl -s --fail-with-body http://127.0.0.1:9003/openapi.json -o /dev/null";
const heard = (what: string): string =>
  `{ portcullis revoke user carol --reason tried > /dev/null && grep -q '${what}' "$stays"; }`;

const STAYS: readonly Stays[] = [
  { command: /^portcullis serve /, until: IS_READY },
  { command: /^portcullis control /, until: IS_CONTROL },
  { command: /&& portcullis dev$/, until: `{ ${IS_READY} && ${IS_CONTROL}; }` },
  { command: /^portcullis watch\b/, until: heard("carol") },
  { command: /^curl -N /, until: heard("^data: .*USER_REVOKED_AFTER_UPDATED") },
  {
    command: /^IDENTITY_JWKS=.* node examples\/upstream\/main.ts$/s,
    until: "curl -s http://127.0.0.1:8080/ -w '%{http_code}' | grep -q 401",
  },
  { command: / --latency-history /, until: `grep -q . "$stays"` },
  {
    command: /^node examples\/identity-service\/main.ts /,
    until: "curl -s --fail-with-body http://127.0.0.1:8082/readyz -o /dev/null",
  },
];

export function whatStays(text: string): Stays | undefined {
  return STAYS.find(({ command }) => command.test(text));
}

/** Ends with something else than 0 where all is well. */
export interface EndsWith {
  readonly command: RegExp;
  readonly exitCode: number;
  readonly why: string;
}

export const ENDS_WITH: readonly EndsWith[] = [
  { command: /# 401$/, exitCode: 22, why: "curl was told here to fail where it is refused" },
];

/** What must be wrong first, for the command to find it. */
const FINDS: readonly { readonly command: RegExp; readonly after: string }[] = [
  { command: /'\*:revoked_after:\*'/, after: "redis-cli SET user:revoked_after:main:mallory soon EX 600" },
  {
    command: /'revoked:\*' > keys.txt/,
    after: "redis-cli DEL revoked:sid:main:3b51d599; redis-cli HSET revoked:sid:main:3b51d599 a b",
  },
];

export function typedBefore(text: string): string {
  return FINDS.find(({ command }) => command.test(text))?.after ?? ":";
}

/** Rows that no command of `texts` needs any more. */
export function staleRows(texts: readonly string[]): readonly string[] {
  return [...NOT_RUN, ...STAYS, ...ENDS_WITH, ...FINDS]
    .filter(({ command }) => !texts.some((text) => command.test(text)))
    .map(({ command }) => String(command));
}
