// What happens when a refresh token is used: it is rotated, or it was used before, and then the whole session ends.
import { errors, type KoaContextWithOIDC } from "oidc-provider";
import { placeOfRefreshToken } from "./adapter.ts";
import type { DeviceWatch } from "./device-watch.ts";
import { contextToldByClient } from "./http.ts";
import type { Metrics } from "./metrics.ts";
import type { RefreshLines } from "./refresh-line.ts";
import type { Sessions } from "./sessions.ts";
import type { IdentityStore } from "./store/store.ts";

export interface RefreshParts {
  readonly store: IdentityStore;
  readonly lines: RefreshLines;
  readonly sessions: Sessions;
  readonly devices: DeviceWatch;
  readonly metrics: Metrics;
}

/** Every use of a refresh token passes here, after its client has been authenticated. */
export async function useRefreshToken(ctx: KoaContextWithOIDC, parts: RefreshParts): Promise<boolean> {
  const { store, lines, sessions, devices, metrics } = parts;
  const { RefreshToken: token, Client: client } = ctx.oidc.entities;
  const sid = token?.sessionUid;
  if (token === undefined || client === undefined || sid === undefined)
    throw new errors.InvalidGrant("the refresh token has no session");
  const told = contextToldByClient(ctx, client);
  if (told !== undefined) {
    const { action } = await devices.judgeSession(sid, told, "refresh");
    if (action === "revoke") throw new errors.InvalidGrant("the session has ended");
  }
  if (await devices.needsLogin(sid)) throw new errors.InvalidGrant("the user must log in again");
  const place = await placeOfRefreshToken(store, token.jti);
  const use = await lines.use(place.line, place.token);
  if (use === "reused") {
    metrics.refreshReuse.inc();
    // Waited for: when the thief reads the refusal, what he stole is dead everywhere.
    await sessions.end(sid, "refresh_reuse");
    throw new errors.InvalidGrant("refresh token already used");
  }
  metrics.refreshes.inc({ result: use === "grace" ? "grace" : "rotated" });
  return true;
}
