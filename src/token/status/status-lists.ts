// Judges tokens by the status lists of their issuer (Token Status List §8.3), where its configuration says so: the list is
// fetched, verified by the issuer's keys, and used until it is older than was declared. A list that cannot be had is never
// "good": the token keeps the age of the last one, for its tier to judge.

import { isIP } from "node:net";
import { LRUCache } from "lru-cache";
import { backOffMs } from "../../core/back-off.ts";
import { ageMs, type Clock, type Instant } from "../../core/clock.ts";
import type { DenyReason } from "../../core/deny-reason.ts";
import { isLoopback } from "../../core/loopback.ts";
import type { Log } from "../../core/log.ts";
import type { Observer } from "../../core/observer.ts";
import type { Assertion, Principal } from "../../core/principal.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { withAssertion } from "../claims.ts";
import { exchange } from "../http-exchange.ts";
import type { Issuer } from "../issuer.ts";
import { createVerification, type Verification } from "../verification.ts";
import { isPublicAddress, lookUpPublic } from "./public-address.ts";
import { inflateList, MAX_LIST_BYTES, STATUS_LIST_TOKEN, statusAt, type StatusListToken } from "./status-list.ts";
import { readStatusReference, type StatusReference } from "./status-reference.ts";

export interface StatusListsOptions {
  readonly issuer: Issuer;
  /** URLs where its lists are; one that ends with a slash stands for all below it. */
  readonly places: readonly string[];
  /** How old a list may be, by its own `iat`, to be believed in every tier. */
  readonly maxStalenessMs: number;
  /** Names may lead to addresses that are not of the public internet. */
  readonly privateAddresses: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Pick<Observer, "verified" | "issuerClockAhead">;
}

export interface StatusLists {
  /**
   * Calls `done` once: before returning where the list is at hand, otherwise at the latest about `deadlineAtMs`. The
   * principal of a token that has a status is given back with how old that is.
   */
  judge(
    principal: Principal,
    now: Instant,
    deadlineAtMs: number,
    done: (outcome: Result<Principal, DenyReason>) => void,
  ): void;
}

interface KnownList {
  readonly token: StatusListToken;
  readonly statuses: Buffer;
  readonly fetchedAt: Instant;
  /** `iat`, or when it was fetched where that is earlier. */
  readonly asOf: Instant;
  /** From then on: until it is too old for us, or expires. */
  readonly goodForMs: number;
}

/** One fetch, and what became of it. */
interface Source {
  flight: Promise<void> | undefined;
  failureCount: number;
  /** On the monotonic clock: not asked again before. */
  nextTryAtMs: number;
}

const TIMEOUT_MS = 5_000;
/** Of the token: base64url of what is compressed. */
const MAX_TOKEN_BYTES = 2 * 1_024 * 1_024;
const MAX_LISTS_BYTES = 8 * MAX_LIST_BYTES;
const MAX_LISTS = 1_024;
const MAX_AT_ONCE = 8;
/** Bounds of a list's own ttl: neither a flood by a small one, or by an old copy, nor a list that is looked for when it is too old. */
const MIN_TTL_MS = 1_000;
const STALENESS_SHARE = 0.5;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
const MARGIN_MS = 5;
/** §7.1 */
const VALID = 0;

export function createStatusLists(options: StatusListsOptions): StatusLists {
  return new FetchedLists(options);
}

class FetchedLists implements StatusLists {
  readonly #options: StatusListsOptions;
  readonly #verification: Verification<Issuer, StatusListToken>;
  readonly #lists = new LRUCache<string, KnownList>({ max: MAX_LISTS, maxSize: MAX_LISTS_BYTES });
  readonly #sources = new LRUCache<string, Source>({ max: MAX_LISTS });
  #inFlight = 0;

  constructor(options: StatusListsOptions) {
    this.#options = options;
    const { issuer } = options;
    // A Status List Token need not name who signed it: by the keys it is told.
    const signers = [issuer, { ...issuer, issuer: "" }];
    this.#verification = createVerification({
      ...options,
      kind: STATUS_LIST_TOKEN,
      signers,
      maxTokenBytes: MAX_TOKEN_BYTES,
    });
  }

  judge(
    principal: Principal,
    now: Instant,
    deadlineAtMs: number,
    done: (outcome: Result<Principal, DenyReason>) => void,
  ): void {
    const reference = readStatusReference(principal.claims, this.#options.places);
    if (reference === undefined) return done(ok(principal));
    if (!reference.ok) return done(reference);
    const { text, index } = reference.value;
    const known = this.#lists.get(text);
    const answer = (isUnanswered: boolean): void => done(this.#answer(principal, text, index, isUnanswered));
    if (known !== undefined && isGood(known, now)) {
      if (this.#isDue(known, now)) void this.#fetch(reference.value, now);
      return answer(false);
    }
    const flight = this.#fetch(reference.value, now);
    if (flight === undefined) return answer(true);
    const waitMs = Math.max(0, deadlineAtMs - MARGIN_MS - this.#options.clock.now().monotonicMs);
    let isOver = false;
    const finish = (): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      const list = this.#lists.get(text);
      answer(list === undefined || !isGood(list, this.#options.clock.now()));
    };
    const timer = setTimeout(finish, waitMs);
    void flight.then(finish);
  }

  #answer(principal: Principal, uri: string, index: number, isUnanswered: boolean): Result<Principal, DenyReason> {
    const list = this.#lists.get(uri);
    if (list === undefined) return err("keys_unavailable");
    const status = statusAt(list.statuses, list.token.bits, index);
    if (status === undefined) return err("claim_invalid"); // §8.3: no statement can be made, so it is refused
    if (status !== VALID) return err("revoked");
    const assertion: Assertion = { asOf: list.asOf, isUnanswered, goodForMs: list.goodForMs };
    return ok(withAssertion(principal, assertion));
  }

  /** Looked for ahead of its time, while the one at hand is still good. */
  #isDue({ fetchedAt, token }: KnownList, now: Instant): boolean {
    const longestMs = this.#options.maxStalenessMs * STALENESS_SHARE;
    const ttlMs = token.ttlS === undefined ? longestMs : Math.min(longestMs, Math.max(MIN_TTL_MS, token.ttlS * 1_000));
    return ageMs(fetchedAt, now) >= ttlMs;
  }

  /** The one fetch of it under way; undefined: it may not be asked for now. */
  #fetch(reference: StatusReference, now: Instant): Promise<void> | undefined {
    const { text } = reference;
    const source = this.#sources.get(text) ?? { flight: undefined, failureCount: 0, nextTryAtMs: -Infinity };
    if (source.flight !== undefined) return source.flight;
    if (now.monotonicMs < source.nextTryAtMs || this.#inFlight >= MAX_AT_ONCE) return undefined;
    this.#sources.set(text, source);
    this.#inFlight += 1;
    source.flight = this.#fly(reference, source);
    return source.flight;
  }

  /** Nobody's to await: a bug that a list brings out must refuse the list, not end the process. */
  async #fly(reference: StatusReference, source: Source): Promise<void> {
    const list = await this.#read(reference).catch(() => err("the list brought out a bug"));
    this.#inFlight -= 1;
    source.flight = undefined;
    this.#settle(reference, source, list);
  }

  #settle({ text, uri }: StatusReference, source: Source, list: Result<KnownList, string>): void {
    const { clock, issuer, log } = this.#options;
    const told = { issuer: issuer.id, host: uri.host };
    if (list.ok) {
      if (source.failureCount > 0) log.info("status_list_read_again", told);
      source.failureCount = 0;
      source.nextTryAtMs = clock.now().monotonicMs + MIN_TTL_MS;
      const known = this.#lists.get(text);
      // A copy from before the one at hand says nothing new.
      if (known !== undefined && known.token.issuedAtS > list.value.token.issuedAtS) return;
      this.#lists.set(text, list.value, { size: list.value.statuses.length + 1 });
      return;
    }
    if (source.failureCount === 0) log.warn("status_list_not_read", { ...told, why: list.error });
    source.failureCount += 1;
    const pauseMs = backOffMs(source.failureCount, FIRST_RETRY_MS, LONGEST_RETRY_MS);
    source.nextTryAtMs = clock.now().monotonicMs + pauseMs;
  }

  async #read({ text, uri }: StatusReference): Promise<Result<KnownList, string>> {
    const { clock } = this.#options;
    const fetchedAt = clock.now();
    const bytes = await this.#get(uri);
    if (!bytes.ok) return bytes;
    const now = clock.now();
    const verified = await new Promise<Result<StatusListToken, string>>((resolve) =>
      this.#verification.verify(bytes.value, now, now.monotonicMs + TIMEOUT_MS, undefined, (outcome) =>
        resolve(outcome.ok ? ok(outcome.value.content) : err(outcome.error.reason)),
      ),
    );
    if (!verified.ok) return verified;
    const token = verified.value;
    if (token.uri !== text) return err("the list is another one: its sub is not its URI");
    const statuses = await inflateList(token.compressed);
    if (!statuses.ok) return statuses;
    const asOf = earlier(fetchedAt, token.issuedAtS * 1_000);
    const { issuer, maxStalenessMs } = this.#options;
    const goodForMs = Math.min(maxStalenessMs, token.expiresAtS * 1_000 + issuer.clockSkewMs - asOf.wallMs);
    return ok({ token, statuses: statuses.value, fetchedAt, asOf, goodForMs });
  }

  async #get(uri: URL): Promise<Result<Buffer, string>> {
    const fault = this.#faultOf(uri);
    if (fault !== undefined) return err(fault);
    const lookup = this.#isFree(uri) ? undefined : lookUpPublic;
    const asked = { headers: { accept: "application/statuslist+jwt" }, maxBytes: MAX_TOKEN_BYTES, lookup };
    const answer = await exchange(uri, asked, AbortSignal.timeout(TIMEOUT_MS));
    if (!answer.ok) return err(answer.error.detail);
    const { body, headers, status } = answer.value;
    if (status !== 200) return err(`HTTP status ${status}`);
    const isList = /^application\/statuslist\+jwt *(?:;|$)/i.test(headers["content-type"] ?? "");
    return isList ? ok(body) : err("the answer is no status list in JWT format");
  }

  /** A host that the operator has named may be anywhere: loopback by itself, others where he says so. */
  #isFree({ hostname }: URL): boolean {
    return this.#options.privateAddresses || isLoopback(hostname);
  }

  #faultOf(uri: URL): string | undefined {
    if (uri.protocol !== "https:" && !(uri.protocol === "http:" && isLoopback(uri.hostname)))
      return "its URI is not https";
    // A literal address is not looked up.
    const literal = uri.hostname.replace(/^\[|\]$/g, "");
    const isInside = isIP(literal) !== 0 && !isPublicAddress(literal) && !this.#isFree(uri);
    return isInside ? "its URI has an address that is not of the public internet" : undefined;
  }
}

function isGood({ asOf, goodForMs }: KnownList, now: Instant): boolean {
  return ageMs(asOf, now) < goodForMs;
}

/** `at`, or as long before it as `wallMs` is. */
function earlier(at: Instant, wallMs: number): Instant {
  const sinceMs = Math.max(0, at.wallMs - wallMs);
  return { monotonicMs: at.monotonicMs - sinceMs, wallMs: at.wallMs - sinceMs };
}
