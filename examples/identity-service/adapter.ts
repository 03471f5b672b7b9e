// Keeps what oidc-provider keeps, in our store: sessions, grants, codes, refresh tokens. Secrets are kept as their hashes:
// whoever copies the store holds nobody's cookie, code or refresh token. What has ended is not found.
import { createHash } from "node:crypto";
import { errors, Provider, type Adapter, type AdapterPayload } from "oidc-provider";
import type { RefreshLines } from "./refresh-line.ts";
import type { Sessions } from "./sessions.ts";
import type { Change, IdentityStore } from "./store/store.ts";

export interface AdapterParts {
  readonly store: IdentityStore;
  readonly sessions: Sessions;
  readonly lines: RefreshLines;
}

/** What stands beside a refresh token: the line it belongs to. */
interface Kept {
  readonly payload: AdapterPayload;
  readonly line?: string;
}

export function createAdapter(model: string, { store, sessions, lines }: AdapterParts): Adapter {
  const keyOf = (id: string): string => `${model}:${createHash("sha256").update(id).digest("base64url")}`;
  const uidKey = (uid: string): string => `${model}-uid:${uid}`;
  const grantSet = (grantId: string): string => `${model}-of:${grantId}`;

  async function read(key: string): Promise<Kept | undefined> {
    const kept = await store.get(key);
    return kept === undefined ? undefined : (JSON.parse(kept) as Kept);
  }

  async function live(kept: Kept | undefined): Promise<AdapterPayload | undefined> {
    const payload = kept?.payload;
    if (model !== "Session" || payload?.accountId === undefined) return payload;
    const session = { sid: payload.uid ?? "", sub: payload.accountId, loginS: payload.loginTs ?? 0 };
    return (await sessions.isLive(session)) ? payload : undefined;
  }

  /** The line of a refresh token: its predecessor's, or a new one with its own name. */
  async function lineOf(key: string): Promise<string> {
    const rotated = Provider.ctx?.oidc.entities.RotatedRefreshToken;
    if (rotated === undefined) return key;
    return (await read(keyOf(rotated.jti)))?.line ?? key;
  }

  return {
    async upsert(id, given, expiresInS) {
      const payload = withoutSecrets(given);
      const key = keyOf(id);
      const expiresAtMs = Date.now() + (expiresInS ?? 0) * 1_000;
      const line = model === "RefreshToken" ? await lineOf(key) : undefined;
      const changes: Change[] = [
        { put: key, value: JSON.stringify({ payload, ...(line === undefined ? {} : { line }) }), expiresAtMs },
      ];
      const { uid, grantId, accountId } = payload;
      if (uid !== undefined) changes.push({ put: uidKey(uid), value: key, expiresAtMs });
      if (grantId !== undefined) changes.push({ link: grantSet(grantId), member: key, expiresAtMs });
      if (model === "Session" && uid !== undefined && accountId !== undefined)
        changes.push({ link: `sessions:${accountId}`, member: uid, expiresAtMs });
      await store.write(changes);
      if (line !== undefined) await lines.extend(line, key, expiresAtMs);
    },
    async find(id) {
      const payload = await live(await read(keyOf(id)));
      return payload === undefined ? undefined : { ...payload, jti: id };
    },
    async findByUid(uid) {
      const key = await store.get(uidKey(uid));
      return key === undefined ? undefined : live(await read(key));
    },
    async findByUserCode() {
      return undefined; // the device flow is off
    },
    async consume(id) {
      if (model === "RefreshToken") return; // its line knows, and knows better
      const key = keyOf(id);
      const value = await store.get(key);
      const kept = value === undefined ? undefined : (JSON.parse(value) as Kept);
      const { exp = 0 } = kept?.payload ?? {};
      const consumed = { ...kept, payload: { ...kept?.payload, consumed: Math.floor(Date.now() / 1_000) } };
      const isFirst = kept?.payload.consumed === undefined;
      // Of two at one time the second must not get through: oidc-provider asked both before either was taken down.
      if (!isFirst || !(await store.swap(key, value, JSON.stringify(consumed), exp * 1_000)))
        throw new errors.InvalidGrant("already used");
    },
    async destroy(id) {
      await store.write([{ drop: keyOf(id) }]);
    },
    async revokeByGrantId(grantId) {
      const keys = await store.members(grantSet(grantId));
      await store.write(keys.map((key) => ({ drop: key })));
    },
  };
}

/** Less what would let the bearer in: its own value, and the session cookie's that an interaction notes and nobody reads. */
function withoutSecrets(payload: AdapterPayload): AdapterPayload {
  const rest = { ...payload };
  delete rest.jti;
  if (rest.session === undefined) return rest;
  const { accountId, uid, acr, amr } = rest.session;
  return { ...rest, session: { accountId, uid, acr, amr } };
}

/** Where a refresh token stands, for `RefreshLines`. */
export async function placeOfRefreshToken(
  store: IdentityStore,
  jti: string,
): Promise<{ readonly line: string; readonly token: string }> {
  const token = `RefreshToken:${createHash("sha256").update(jti).digest("base64url")}`;
  const { line = "" } = JSON.parse((await store.get(token)) ?? "{}") as Partial<Kept>;
  return { line, token };
}
