// What a person does about the own account: sees where one is signed in, signs out there or everywhere, changes the password,
// sets a new one by a link from the administrator.
import { createHash, randomBytes } from "node:crypto";
import type { KoaContextWithOIDC, Provider, Session } from "oidc-provider";
import { passwordFault, type Account, type Accounts } from "./accounts.ts";
import type { DeviceWatch } from "./device-watch.ts";
import { contextOfPage, isSentByOurPage, readForm } from "./http.ts";
import type { LoginLimit } from "./login-limit.ts";
import { accountPage, messagePage, newPasswordPage, signedOutPage } from "./pages/pages.ts";
import type { Sessions } from "./sessions.ts";
import { update, type IdentityStore } from "./store/store.ts";

export interface AccountParts {
  readonly issuer: string;
  readonly origin: string;
  readonly store: IdentityStore;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly devices: DeviceWatch;
  readonly limit: LoginLimit;
  readonly countryHeader: string | undefined;
  readonly accessTokenTtlS: number;
}

const RESET_TTL_MS = 30 * 60_000;
/** What is kept of a link that was used. */
const USED = "[]";

/** A link that sets a new password, once, unless another way did so before. */
export async function makeResetLink(
  { store, accounts, issuer }: Pick<AccountParts, "store" | "accounts" | "issuer">,
  sub: string,
): Promise<{ readonly url: string; readonly expires_at: number }> {
  const secret = randomBytes(32).toString("base64url");
  const expiresAtMs = Date.now() + RESET_TTL_MS;
  const value = JSON.stringify([sub, await accounts.passwordMark(sub)]);
  await store.write([{ put: resetKey(secret), value, expiresAtMs }]);
  return { url: `${issuer}/reset/${secret}`, expires_at: expiresAtMs };
}

/** Whoever reads the store gets no link out of it. */
function resetKey(secret: string): string {
  return `reset:${createHash("sha256").update(secret).digest("base64url")}`;
}

/** /account… and /reset/…; false: it is about something else. */
export async function answerAccount(
  ctx: KoaContextWithOIDC,
  provider: Provider,
  parts: AccountParts,
): Promise<boolean> {
  const isReset = ctx.path.startsWith("/reset/");
  if (!isReset && ctx.path !== "/account" && !ctx.path.startsWith("/account/")) return false;
  ctx.type = "html";
  if (ctx.method === "POST" && !isSentByOurPage(ctx, parts.origin)) {
    ctx.status = 403;
    ctx.body = messagePage("That did not work", "Please go back and try again.");
  } else if (isReset) {
    await answerReset(ctx, parts, ctx.path.slice("/reset/".length));
  } else {
    await answerOwner(ctx, provider, parts);
  }
  return true;
}

async function answerReset(ctx: KoaContextWithOIDC, parts: AccountParts, secret: string): Promise<void> {
  const { store, accounts, sessions } = parts;
  const key = resetKey(secret);
  const kept = await store.get(key);
  const [sub, mark] = JSON.parse(kept ?? USED) as readonly [sub?: string, mark?: string];
  if (sub === undefined || mark !== (await accounts.passwordMark(sub))) {
    ctx.status = 404;
    ctx.body = messagePage("This link has ended", "It was used already, or it is too old. Please ask for a new one.");
    return;
  }
  if (ctx.method !== "POST") {
    ctx.body = newPasswordPage(ctx.path);
    return;
  }
  const password = (await readForm(ctx.req))?.get("password") ?? "";
  const fault = passwordFault(password);
  if (fault !== undefined) {
    ctx.status = 422;
    ctx.body = newPasswordPage(ctx.path, fault);
    return;
  }
  let isMine = false;
  await update(store, key, (value) => {
    isMine = value === kept;
    return isMine ? { value: USED, expiresAtMs: Date.now() + RESET_TTL_MS } : undefined;
  });
  if (!isMine) return answerReset(ctx, parts, secret);
  await accounts.setPassword(sub, password);
  const { delivered } = await sessions.endAllOf(sub, "password");
  ctx.body = signedOutPage(
    "Your new password is set. All devices have been signed out.",
    delivered,
    parts.accessTokenTtlS,
  );
}

async function answerOwner(ctx: KoaContextWithOIDC, provider: Provider, parts: AccountParts): Promise<void> {
  const session = await provider.Session.get(ctx);
  const account = await ownerOf(ctx, session, parts);
  if (account === undefined) {
    ctx.redirect(`${parts.issuer}/auth?client_id=account&response_type=none&scope=openid`);
    ctx.status = 303;
    return;
  }
  switch (`${ctx.method} ${ctx.path}`) {
    case "GET /account":
      return showAccount(ctx, parts, account, session.uid);
    case "POST /account/sign-out": {
      const sid = (await readForm(ctx.req))?.get("sid") ?? "";
      if (!(await parts.sessions.ofUser(account.sub)).includes(sid))
        return showAccount(ctx, parts, account, session.uid);
      return showSignedOut(ctx, parts, "That device has been signed out.", await parts.sessions.end(sid, "logout"));
    }
    case "POST /account/sign-out-everywhere": {
      const ending = await parts.sessions.endAllOf(account.sub, "logout_all");
      return showSignedOut(ctx, parts, "All your devices have been signed out.", ending);
    }
    case "POST /account/password":
      return changePassword(ctx, parts, account, session.uid);
    default:
      ctx.status = 404;
      ctx.body = messagePage("Nothing is here", "Please go to your account page.");
  }
}

/** Whose session it is; undefined where somebody must log in first. */
async function ownerOf(
  ctx: KoaContextWithOIDC,
  session: Session,
  { accounts, devices, countryHeader }: AccountParts,
): Promise<Account | undefined> {
  if (session.accountId === undefined) return undefined;
  const { action } = await devices.judgeSession(session.uid, contextOfPage(ctx, countryHeader), "page");
  if (action === "revoke" || (await devices.needsLogin(session.uid))) return undefined;
  const account = await accounts.bySub(session.accountId);
  return account?.disabled === false ? account : undefined;
}

async function showAccount(
  ctx: KoaContextWithOIDC,
  { sessions, devices }: AccountParts,
  account: Account,
  ownSid: string,
  fault?: string,
): Promise<void> {
  const sids = await sessions.ofUser(account.sub);
  const rows = await Promise.all(
    sids.map(async (sid) => {
      const { device, network } = (await devices.deviceOf(sid)) ?? { device: "unknown", network: "unknown" };
      return { sid, device, network, isThisOne: sid === ownSid };
    }),
  );
  ctx.status = fault === undefined ? 200 : 422;
  ctx.body = accountPage({ username: account.username, sessions: rows, fault });
}

async function changePassword(
  ctx: KoaContextWithOIDC,
  parts: AccountParts,
  account: Account,
  ownSid: string,
): Promise<void> {
  const form = await readForm(ctx.req);
  const password = form?.get("password") ?? "";
  const fault = passwordFault(password);
  if (fault !== undefined) return showAccount(ctx, parts, account, ownSid, `The new password: ${fault}.`);
  const admission = await parts.limit.admit(account.username, contextOfPage(ctx, undefined).network);
  if (!admission.admitted) return showAccount(ctx, parts, account, ownSid, "Too many attempts. Please wait a while.");
  if ((await parts.accounts.authenticate(account.username, form?.get("current") ?? "")) === undefined)
    return showAccount(ctx, parts, account, ownSid, "The password you have now is another.");
  await admission.forgive();
  await parts.accounts.setPassword(account.sub, password);
  const ending = await parts.sessions.endAllOf(account.sub, "password");
  return showSignedOut(ctx, parts, "Your new password is set. All devices have been signed out.", ending);
}

async function showSignedOut(
  ctx: KoaContextWithOIDC,
  { accessTokenTtlS }: AccountParts,
  what: string,
  { delivered }: { readonly delivered: boolean },
): Promise<void> {
  ctx.status = 200;
  ctx.body = signedOutPage(what, delivered, accessTokenTtlS);
}
