// The dashboard as people use it: in a real Chromium, beside a real Envoy on a real Redis. PORTCULLIS_SCREENSHOTS=1 keeps
// the pictures of docs/images.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { barriersOn, startChromium, WHY_NO_CHROMIUM } from "../support/chromium.ts";
import { NEWEST_ENVOY, startEnvoy, type EnvoyProcess } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call } from "../support/http-call.ts";
import { CLIENT, startOpenidProvider, type OpenidProvider } from "../support/openid-provider.ts";
import { freePorts } from "../support/ports.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { until } from "../support/wait.ts";

const REPORTER = randomBytes(32).toString("base64url");
const ADMIN = randomBytes(32).toString("base64url");
const sha256 = (secret: string): string => createHash("sha256").update(secret).digest("hex");
const VIEWS = ["live", "look-up", "revoke", "many", "standing", "audit", "events", "explain"] as const;
const KEEPS_PICTURES = process.env["PORTCULLIS_SCREENSHOTS"] === "1";

let guarded: GuardedUpstream;
let provider: OpenidProvider;
let plane: PortcullisProcess;
let sidecar: PortcullisProcess;
let envoy: EnvoyProcess;
let browser: Browser;
/** What any page was forbidden, or threw. */
const faults: string[] = [];

describe.skipIf(WHY_NO_CHROMIUM !== "")(`the dashboard in a browser${WHY_NO_CHROMIUM}`, () => {
  beforeAll(async () => {
    [guarded, provider] = await Promise.all([startGuardedUpstream(), startOpenidProvider()]);
    const [port = 0] = await freePorts(1);
    const url = `http://127.0.0.1:${port}`;
    plane = await startPortcullis({ command: "control", config: planeConfig(port), files: { secret: CLIENT.secret } });
    sidecar = await guarded.startSidecar({
      control: { url, reportToken: REPORTER },
      // Or the replica would answer for half a minute before anybody is let through unchecked.
      tiers: {
        critical: { maxStaleness: "0s" },
        standard: { maxStaleness: "2s" },
        low: { maxStaleness: "2s", failOpenFor: "5m" },
      },
    });
    envoy = await startEnvoy({
      version: NEWEST_ENVOY,
      portcullis: sidecar.grpcPort,
      upstreamPort: guarded.upstream.port,
    });
    browser = await startChromium();
    await until("the sidecar to report", async () => {
      const answer = await fetch(`${url}/v1/fleet`, { headers: { authorization: `Bearer ${ADMIN}` } });
      return ((await answer.json()) as readonly unknown[]).length === 1;
    });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([envoy, sidecar, plane].map((each) => each?.stop()));
    await Promise.all([provider?.stop(), guarded?.stop()]);
  });

  test("sign in, find a user, see what it would hit, revoke, and Envoy refuses; then it stands in the audit trail", async () => {
    const { page, close } = await signedIn("ada");
    const sub = `user-${randomUUID()}`;
    const tokens = [await tokenOf(sub), await tokenOf(sub)];
    for (const token of tokens) expect(await statusAtEnvoy(token)).toBe(200);

    await page.getByRole("link", { name: "Look up", exact: true }).click();
    await page.getByLabel("Who or what").fill(sub);
    await page.getByRole("button", { name: "Look up" }).click();
    await page.getByText("not revoked").waitFor();
    await page.getByRole("button", { name: "Revoke …" }).click();

    await page.getByRole("button", { name: "See what it would hit" }).click();
    await page.getByText("2 tokens of 1 user in 2 sessions").waitFor();
    await page.getByText("seen by 1 of 1 sidecar").waitFor();
    await page.getByLabel("Reason").fill("laptop stolen");
    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await page.getByText("Applied on 1 of 1 sidecar").waitFor();
    // It said so: no call that begins later is let through.
    for (const token of tokens) expect(await statusAtEnvoy(token)).toBe(401);

    await page.getByRole("link", { name: "Audit" }).click();
    const row = page.getByRole("row").filter({ hasText: sub });
    await row.waitFor();
    expect(await row.innerText()).toMatch(/people\/ada\s+revoke\s+user user-.+\s+laptop stolen/);

    await page.getByRole("link", { name: "Standing" }).click();
    await page.getByRole("listitem").filter({ hasText: sub }).getByRole("button", { name: "Lift …" }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("found again");
    await page.getByRole("button", { name: "Lift it" }).click();
    await until("the user to be let in again", async () => (await statusAtEnvoy(await tokenOf(sub))) === 200);
    await close();
  });

  test("a pasted token is read in the browser, and sent nowhere", async () => {
    const { page, close } = await signedIn("ada");
    const token = await tokenOf(`user-${randomUUID()}`);
    const sent: string[] = [];
    page.on("request", (request) => sent.push(request.url() + (request.postData() ?? "")));
    await open(page, "look-up");
    await page.getByLabel("Who or what").fill(`Bearer ${token}`);
    await page.getByText("Its signature is not verified here").waitFor();
    await page.getByRole("button", { name: "Look up" }).click();
    await until("all its names", async () => (await page.getByText("not revoked").count()) >= 3);
    expect(sent.join("\n")).toContain("kind=token");
    for (const part of token.split(".").slice(1)) expect(sent.join("\n")).not.toContain(part);
    await close();
  });

  test("a list is revoked with a result for each line, those left out named before", async () => {
    const { page, close } = await signedIn("ada");
    const subs = Array.from({ length: 40 }, () => `user-${randomUUID()}`);
    const token = await tokenOf(subs[39] ?? "");
    expect(await statusAtEnvoy(token)).toBe(200);
    await open(page, "many");
    await page
      .getByLabel("List", { exact: true })
      .fill(`kind,id\n${subs.map((sub) => `user,${sub}`).join("\n")}\ncat,tom\nuser,${token}`);
    await page.getByText("2 lines will be left out").waitFor();
    await page.getByRole("button", { name: "See what it would hit" }).click();
    await page.getByText("1 token of 1 user").waitFor();
    await page.getByLabel("Reason").fill("phished");
    await page.getByRole("button", { name: "Revoke 40 targets" }).click();
    await page.getByText("40 of 40 told: 40 revoked, 0 failed").waitFor();
    await until("a refusal", async () => (await statusAtEnvoy(token)) === 401);
    await close();
  });

  test("what hits everybody has to be typed, and approved by a second person", async () => {
    const ada = await signedIn("ada");
    await open(ada.page, "revoke");
    await ada.page.getByLabel("Kind").selectOption("tenant");
    await ada.page.getByLabel("Tenant").fill("acme");
    await ada.page.getByLabel("Reason").fill("contract ended");
    const ask = ada.page.getByRole("button", { name: "Ask for it" });
    expect(await ask.isDisabled()).toBe(true);
    await ada.page.getByLabel("Type acme to confirm").fill("acm");
    expect(await ask.isDisabled()).toBe(true);
    await ada.page.getByLabel("Type acme to confirm").fill("acme");
    await ask.click();
    await ada.page.getByText("nothing is revoked yet").waitFor();
    await open(ada.page, "standing");
    expect(await ada.page.getByRole("button", { name: "Approve …" }).isDisabled()).toBe(true);
    await ada.close();

    const grace = await signedIn("grace");
    await open(grace.page, "standing");
    await grace.page.getByRole("button", { name: "Approve …" }).click();
    await grace.page.getByRole("button", { name: "Approve, and revoke" }).click();
    expect(await grace.page.getByText("Waiting for a second person").isVisible()).toBe(true); // no reason, no deed
    await grace.page.getByRole("dialog").getByLabel("Reason").fill("asked Ada");
    await grace.page.getByRole("button", { name: "Approve, and revoke" }).click();
    await grace.page.getByRole("listitem").filter({ hasText: "tenant acme" }).waitFor();
    await open(grace.page, "audit");
    await grace.page.getByText("asked Ada").waitFor();
    await grace.close();
  });

  test("the whole way by keyboard alone", async () => {
    const { page, close } = await signedIn("ada");
    const sub = `user-${randomUUID()}`;
    await page.reload();
    await page.getByRole("heading", { name: "Live" }).waitFor();
    const tabTo = async (name: string): Promise<void> => {
      for (let i = 0; i < 40; i += 1) {
        await page.keyboard.press("Tab");
        const focused = await page.evaluate(`(() => {
          const { labels, textContent, tagName } = document.activeElement;
          return labels?.[0]?.textContent ?? textContent ?? tagName;
        })()`);
        if (focused === name) return;
      }
      throw new Error(`no Tab leads to ${name}`);
    };
    await page.evaluate("document.activeElement.blur()");
    await tabTo("Skip to content");
    await tabTo("Revoke");
    await page.keyboard.press("Enter");
    await page.getByLabel("User (sub)").waitFor();
    await tabTo("User (sub)");
    await page.keyboard.type(sub);
    await tabTo("Reason");
    await page.keyboard.type("by keyboard");
    await page.keyboard.press("Enter");
    await expectShown(page.getByText("Applied on 1 of 1 sidecar"));
    await close();
  });

  test("what happens elsewhere appears under Events by itself", async () => {
    const { page, close } = await signedIn("ada");
    await open(page, "events");
    await page.getByText("Listening").waitFor();
    const id = randomUUID();
    await fetch(`${plane.controlUrl}/v1/revocations`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" },
      body: JSON.stringify({ target: { kind: "session", issuer: "main", id }, reason: "seen elsewhere" }),
    });
    await expectShown(page.getByRole("listitem").filter({ hasText: id }));
    await close();
  });

  test("explains what a request would get", async () => {
    const { page, close } = await signedIn("ada");
    await open(page, "explain");
    await page.getByLabel("Path").fill("/nowhere");
    await page.getByRole("button", { name: "Explain" }).click();
    await expectShown(page.getByText("Refused: missing_token, HTTP 401"));
    await close();
  });

  test("a person who is revoked is out within 2 s, and told so", async () => {
    const { page, close } = await signedIn("mallory");
    await fetch(`${plane.controlUrl}/v1/revocations`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" },
      body: JSON.stringify({ target: { kind: "user", issuer: "people", id: "mallory" }, reason: "left" }),
    });
    await expectShown(page.getByText("Your session is over"));
    await close();
  });

  test("every view, light and dark, on a desk and on a phone, is readable for everybody (axe, WCAG 2.2 AA)", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const { page, close } = await signedIn("ada", { colorScheme });
      for (const viewport of [
        { width: 1280, height: 900 },
        { width: 390, height: 844 },
      ]) {
        await page.setViewportSize(viewport);
        for (const view of VIEWS) {
          await open(page, view);
          const found = await barriersOn(page);
          expect([view, colorScheme, viewport.width, found]).toEqual([view, colorScheme, viewport.width, []]);
        }
      }
      await close();
    }
  });

  test("keeps showing what it heard last, and says how old it is, while the control plane is away", async () => {
    const { page, close } = await signedIn("ada");
    await page.getByText("every breaker is closed").waitFor();
    plane.process.signal("SIGSTOP");
    try {
      await page.getByText("What is shown was heard").waitFor({ timeout: 30_000 });
      expect(await page.getByText("every breaker is closed").count()).toBe(1);
    } finally {
      plane.process.signal("SIGCONT");
    }
    await page.getByText("What is shown was heard").waitFor({ state: "detached" });
    await close();
  });

  test("fail-open in progress cannot be overlooked, on any view, though nobody can be judged meanwhile", async () => {
    const { page, close } = await signedIn("ada");
    const token = await tokenOf(`user-${randomUUID()}`);
    const calling = setInterval(() => void statusAtEnvoy(token, "GET", "/api/x").catch(() => undefined), 50);
    try {
      await until("decisions to be seen", async () =>
        /^[1-9]/.test(await page.locator(".tile .main").first().innerText()),
      );
      await pictures(page, "dashboard");
      await open(page, "audit");
      guarded.redis.pause();
      await page.getByText("The store cannot be asked").waitFor({ timeout: 40_000 });
      await page.getByText("Fail-open in progress").waitFor({ timeout: 60_000 });
      expect(await page.getByRole("alert").filter({ hasText: "1 of 1 sidecar" }).count()).toBe(1);
      await open(page, "live");
      await pictures(page, "dashboard-fail-open", ["light"]);
    } finally {
      guarded.redis.resume();
      clearInterval(calling);
    }
    await page.getByText("Fail-open in progress").waitFor({ state: "detached", timeout: 40_000 });
    await close();
  });

  test("no page was ever forbidden anything by its policy, nor threw", () => {
    expect(faults).toEqual([]);
  });
});

function planeConfig(port: number): Readonly<Record<string, unknown>> {
  return {
    listen: { control: `127.0.0.1:${port}` },
    issuers: [
      {
        id: "main",
        issuer: guarded.issuer.issuer,
        jwks: { url: guarded.issuer.jwksUrl },
        audiences: ["orders-api"],
      },
      { id: "people", issuer: provider.issuer, jwks: { discovery: true }, audiences: ["nobody"] },
    ],
    store: { url: guarded.redis.url, timeout: "1s" },
    control: {
      issuer: "people",
      tokens: [
        { name: "ops", sha256: sha256(ADMIN), scopes: ["portcullis:admin"] },
        { name: "fleet", sha256: sha256(REPORTER), scopes: ["portcullis:sidecar"] },
      ],
      secondPerson: ["tenant"],
    },
    dashboard: {
      oidc: {
        issuer: provider.issuer,
        clientId: CLIENT.id,
        clientSecretFile: "secret",
        redirectUrl: `http://127.0.0.1:${port}/dashboard/callback`,
      },
    },
  };
}

interface Visit {
  readonly page: Page;
  close(): Promise<void>;
}

/** A browser of his own, signed in at the provider; at the live view. */
async function signedIn(person: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Visit> {
  provider.as(person, "portcullis:admin");
  const context: BrowserContext = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security|Refused|TrustedHTML/i.test(message.text()))
      faults.push(message.text());
  });
  page.on("pageerror", ({ message }) => faults.push(message));
  await page.goto(plane.controlUrl);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Live" }).waitFor();
  return { page, close: () => context.close() };
}

async function expectShown(what: Locator): Promise<void> {
  await what.waitFor();
  expect(await what.count()).toBeGreaterThan(0);
}

async function open(page: Page, view: (typeof VIEWS)[number]): Promise<void> {
  await page.evaluate(`location.hash = "#/${view}"`);
  await page.locator(`nav a[href="#/${view}"][aria-current]`).waitFor();
  await page.waitForLoadState("networkidle").catch(() => undefined);
}

/** Light, dark, and as a phone shows it. */
async function pictures(page: Page, name: string, which = ["light", "dark", "phone"]): Promise<void> {
  if (!KEEPS_PICTURES) return;
  const keep = async (as: string): Promise<void> => {
    if (which.includes(as)) await page.screenshot({ path: `docs/images/${name}-${as}.png` });
  };
  await keep("light");
  await page.emulateMedia({ colorScheme: "dark" });
  await keep("dark");
  await page.setViewportSize({ width: 390, height: 844 });
  await keep("phone");
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.emulateMedia({ colorScheme: "light" });
}

function tokenOf(sub: string): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000) - 5;
  return guarded.issuer.sign({ claims: { sub, jti: randomUUID(), sid: randomUUID(), iat } });
}

async function statusAtEnvoy(token: string, method = "POST", path = "/orders"): Promise<number> {
  return (await call(envoy.url, { method, path, token })).status;
}
