// What the file says of the dashboard: the secret that seals its sessions.

import { expect, test } from "vitest";
import { warningsWith } from "./support.ts";

test("a client secret too short to seal sessions is told", () => {
  const warnings = (clientSecret: string): readonly string[] =>
    warningsWith(`dashboard:
  oidc:
    issuer: https://id.example.com
    clientId: dashboard
    clientSecret: ${clientSecret}
    redirectUrl: https://portcullis.example.com/dashboard/callback
`);
  expect(warnings("a".repeat(32))).toEqual([]);
  expect(warnings("a".repeat(31))).toEqual([
    "dashboard.oidc.clientSecret  is too short to seal sessions: each is good at the control plane that began it alone",
  ]);
});
