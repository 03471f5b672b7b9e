// The schema of the dashboard block: who signs people in to the control plane's web page. Left out, there is no page.

import { z } from "zod";
import { DASHBOARD } from "./defaults.ts";
import { FILE_PATH, allowing, flag, hidden, httpUrl, text } from "./fields.ts";
import type { WrittenDashboard } from "./written.ts";

const oidc = z.strictObject({
  issuer: httpUrl().describe(
    "The OpenID provider: what its discovery document names as issuer. https, but on loopback.",
  ),
  clientId: text(512, "a client id").describe("As which the dashboard is registered there."),
  clientSecret: hidden(text(4_096, "a secret"))
    .optional()
    .describe("Its secret; a public client has none. Control planes with the same one share their sessions."),
  clientSecretFile: text(4_096, FILE_PATH).optional().describe("A file that holds clientSecret."),
  redirectUrl: httpUrl().describe("Where people come back to, as registered: <the dashboard>/dashboard/callback."),
  scope: text(2_048, "scopes, a space between")
    .default(DASHBOARD.scope)
    .describe("Asked for; what comes in the access token is what the person may do."),
  parameters: allowing("a block of names and texts", z.record(text(128, "a name"), text(2_048, "a text")))
    .default({})
    .describe("Further ones of the authorization request, such as audience or resource where the provider needs one."),
});

/** `dashboard`. */
export const DASHBOARD_BLOCK: z.ZodType<WrittenDashboard> = z.strictObject({
  oidc: oidc
    .optional()
    .describe(
      "Sign-in at an OpenID provider, which is control.issuer: its access tokens, for control.audience, count.",
    ),
  tokenSignIn: flag()
    .default(DASHBOARD.tokenSignIn)
    .describe("Sign-in by pasting a token that the API takes. In dev it is on where no provider is named."),
});
