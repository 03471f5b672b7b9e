// Notices a session or an access token that is used from another device, network or country than before, and does what the policy
// says: log it, have the person log in again, or end the session. What it cannot see it does not guess.
import { differenceOf, type DeviceContext, type Difference } from "./device.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Sessions } from "./sessions.ts";
import type { IdentityStore } from "./store/store.ts";

/** From the mildest to the strictest. */
const ACTIONS = ["log", "step-up", "revoke"] as const;
export type Action = (typeof ACTIONS)[number];

const ASPECTS = ["device", "network", "country"] as const;

/** Where several differ, the strictest one holds. */
export interface DevicePolicy {
  readonly device: Action;
  readonly network: Action;
  /** Only where countries are told. */
  readonly country: Action;
}

/** A phone changes its network all day; a session hardly ever changes its browser. */
export const DEFAULT_POLICY: DevicePolicy = { device: "step-up", network: "log", country: "step-up" };

/** Where a use was seen. */
export type Where = "page" | "refresh" | "sighting";

export interface Judged {
  /** Undefined: nothing is unlike before. */
  readonly difference?: Difference;
  readonly action?: Action;
}

export interface DeviceWatch {
  /** After a log-in: this is the session's device now, and whatever was asked for is done. */
  bind(sid: string, context: DeviceContext): Promise<void>;
  deviceOf(sid: string): Promise<DeviceContext | undefined>;
  judgeSession(sid: string, context: DeviceContext, where: Where): Promise<Judged>;
  /** Compares with the token's first use. Undefined: no token that lives. */
  judgeToken(jti: string, context: DeviceContext): Promise<Judged | undefined>;
  /** The person must log in again before the session gives out anything more. */
  needsLogin(sid: string): Promise<boolean>;
}

export interface DeviceWatchOptions {
  readonly store: IdentityStore;
  readonly sessions: Sessions;
  readonly policy: DevicePolicy;
  readonly accessTokenTtlS: number;
  readonly sessionTtlS: number;
  readonly metrics: Metrics;
  readonly log: Log;
}

export function createDeviceWatch(options: DeviceWatchOptions): DeviceWatch {
  const { store, sessions, policy, metrics, log } = options;
  const inSessionTtl = (): number => Date.now() + options.sessionTtlS * 1_000;

  async function judge(sid: string, was: DeviceContext, is: DeviceContext, where: Where): Promise<Judged> {
    const difference = differenceOf(was, is);
    if (difference === undefined) return {};
    const action = actionOn(policy, difference);
    metrics.suspiciousUse.inc({ where, difference, action });
    log("suspicious_use", { sid, where, difference, action, was, is });
    if (action === "step-up") {
      await store.write([{ put: `step-up:${sid}`, value: "", expiresAtMs: inSessionTtl() }]);
    }
    if (action === "revoke") await sessions.end(sid, "device");
    return { difference, action };
  }

  const deviceOf = async (sid: string): Promise<DeviceContext | undefined> => {
    const kept = await store.get(`device:${sid}`);
    return kept === undefined ? undefined : (JSON.parse(kept) as DeviceContext);
  };

  return {
    async bind(sid, context) {
      await store.write([
        { put: `device:${sid}`, value: JSON.stringify(context), expiresAtMs: inSessionTtl() },
        { drop: `step-up:${sid}` },
      ]);
    },
    deviceOf,
    async judgeSession(sid, context, where) {
      const bound = await deviceOf(sid);
      return bound === undefined ? {} : judge(sid, bound, context, where);
    },
    async judgeToken(jti, context) {
      const sid = await sessions.sessionOfToken(jti);
      if (sid === undefined) return undefined;
      const key = `seen:${jti}`;
      const expiresAtMs = Date.now() + options.accessTokenTtlS * 1_000;
      if (await store.swap(key, undefined, JSON.stringify(context), expiresAtMs)) return {};
      const first = await store.get(key);
      return first === undefined ? {} : judge(sid, JSON.parse(first) as DeviceContext, context, "sighting");
    },
    needsLogin: async (sid) => (await store.get(`step-up:${sid}`)) !== undefined,
  };
}

function actionOn(policy: DevicePolicy, difference: Difference): Action {
  const actions = ASPECTS.filter((aspect) => difference.includes(aspect)).map((aspect) => policy[aspect]);
  return ACTIONS[Math.max(...actions.map((action) => ACTIONS.indexOf(action)))] ?? "revoke";
}
