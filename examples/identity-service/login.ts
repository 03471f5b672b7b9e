// The log-in page: shows it, judges what was typed into it, and hands the outcome to oidc-provider. A wrong name, a wrong
// password and a disabled account are one answer.
import { setTimeout as sleep } from "node:timers/promises";
import { errors, type KoaContextWithOIDC, type Provider } from "oidc-provider";
import { canonicalName, type Accounts } from "./accounts.ts";
import { contextOfPage, isSentByOurPage, readForm } from "./http.ts";
import type { LoginLimit } from "./login-limit.ts";
import type { Metrics } from "./metrics.ts";
import { loginPage, messagePage } from "./pages/pages.ts";
import type { Sessions } from "./sessions.ts";

export interface LoginParts {
  readonly origin: string;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly limit: LoginLimit;
  readonly metrics: Metrics;
}

/** Longer than any name here; what is longer is not looked up. */
const LONGEST_NAME = 128;

/** GET and POST of /interaction/…; false: it is about something else. */
export async function answerLogin(ctx: KoaContextWithOIDC, provider: Provider, parts: LoginParts): Promise<boolean> {
  if (!ctx.path.startsWith("/interaction/")) return false;
  ctx.type = "html";
  const interaction = await provider.interactionDetails(ctx.req, ctx.res).catch((error: unknown) => {
    if (error instanceof errors.SessionNotFound) return undefined;
    throw error;
  });
  if (interaction === undefined) {
    ctx.status = 400;
    ctx.body = messagePage("That took too long", "Please go back to where you came from and begin again.");
    return true;
  }
  const client = await provider.Client.find(String(interaction.params["client_id"]));
  const known =
    interaction.session === undefined ? undefined : await parts.accounts.bySub(interaction.session.accountId);
  const show = (status: number, username: string, fault?: string): true => {
    ctx.status = status;
    ctx.body = loginPage({
      action: ctx.path,
      client: client?.clientName ?? client?.clientId ?? "",
      username,
      fault,
      again: interaction.prompt.reasons.includes("device"),
    });
    return true;
  };
  if (ctx.method === "GET") return show(200, known?.username ?? "");
  if (ctx.method !== "POST" || !isSentByOurPage(ctx, parts.origin)) return show(403, "", "Please try again from here.");

  const form = await readForm(ctx.req);
  const username = canonicalName(form?.get("username") ?? "").slice(0, LONGEST_NAME);
  const password = form?.get("password") ?? "";
  const admission = await parts.limit.admit(username, contextOfPage(ctx, undefined).network);
  if (!admission.admitted) {
    parts.metrics.logins.inc({ outcome: "limited" });
    ctx.set("retry-after", String(admission.retryAfterS));
    return show(429, username, `Too many attempts. Please wait ${Math.ceil(admission.retryAfterS / 60)} minutes.`);
  }
  // Both read before the password is judged: a log-in that a new password overtakes must lie before it.
  const ts = Math.floor(Date.now() / 1_000);
  const earliestS = await parts.sessions.endedBeforeS((await parts.accounts.byName(username))?.sub ?? "");
  const account = await parts.accounts.authenticate(username, password);
  if (account === undefined) {
    parts.metrics.logins.inc({ outcome: "refused" });
    return show(401, username, "User name or password is wrong.");
  }
  await admission.forgive();
  parts.metrics.logins.inc({ outcome: "accepted" });
  // Within the second in which all was revoked new tokens would be, too: a person does not notice the wait.
  await sleep(Math.max(0, earliestS * 1_000 - Date.now()));
  const login = { accountId: account.sub, ts: Math.max(ts, earliestS), amr: ["pwd"] };
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, { login }, { mergeWithLastSubmission: false }));
  ctx.status = 303;
  return true;
}
