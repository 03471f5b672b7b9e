// The identity service's pages as people meet them: in a real Chromium, without a script, under its own content policy.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { barriersOn, startChromium, WHY_NO_CHROMIUM } from "../support/chromium.ts";
import { passwordOf, startIdentity, type Identity } from "../support/identity.ts";

describe.skipIf(WHY_NO_CHROMIUM !== "")(`signing in by a browser${WHY_NO_CHROMIUM}`, () => {
  let identity: Identity;
  let browser: Browser;
  /** What any page was forbidden. */
  const faults: string[] = [];
  beforeAll(async () => {
    [identity, browser] = await Promise.all([startIdentity(), startChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await identity?.stop();
  });

  async function newDevice(colorScheme: "light" | "dark" = "light"): Promise<Page> {
    const context = await browser.newContext({ colorScheme });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) faults.push(message.text());
    });
    await page.goto(`${identity.issuer}/account`);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    return page;
  }

  async function attempt(page: Page, username: string, password: string): Promise<void> {
    await page.getByLabel("User name").fill(username);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
  }

  async function signedIn(): Promise<Page> {
    const page = await newDevice();
    await attempt(page, "alice", passwordOf("alice"));
    await page.getByRole("heading", { name: "Hello, alice" }).waitFor();
    return page;
  }

  /** What a stranger sees of an attempt that failed, less the name that he typed himself. */
  async function refusalOf(username: string): Promise<string> {
    const page = await newDevice();
    await attempt(page, username, "not the password");
    await page.getByRole("alert").waitFor();
    const seen = (await page.locator("main").innerText()).concat(new URL(page.url()).pathname.replace(/[^/]+$/, ""));
    await page.context().close();
    return seen;
  }

  test("a wrong password and an unknown name look the same", async () => {
    const refusal = await refusalOf("alice");
    expect(refusal).not.toContain("alice");
    expect(await refusalOf("nobody-of-that-name")).toBe(refusal);
  });

  test("who signs out everywhere is signed out on the other device, too, and nothing of it comes back", async () => {
    const [laptop, phone] = [await signedIn(), await signedIn()];
    await phone.reload();
    await phone.getByText("signed in on 2 devices").waitFor();
    await laptop.getByRole("button", { name: "Sign out everywhere" }).click();
    await laptop.getByText("All your devices have been signed out.").waitFor();
    for (const page of [laptop, phone]) {
      await page.goto(`${identity.issuer}/account`);
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
    }
    await phone.goBack();
    expect(await phone.getByRole("button", { name: "Sign out everywhere" }).count()).toBe(0);
    await attempt(laptop, "alice", passwordOf("alice"));
    await laptop.getByText("signed in on one device").waitFor();
    await close(laptop.context(), phone.context());
  });

  test("the session's cookie is out of reach of every script, and of other sites", async () => {
    const page = await signedIn();
    const cookies = await page.context().cookies();
    expect(cookies).not.toEqual([]);
    for (const cookie of cookies) expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax" });
    await close(page.context());
  });

  test.each(["light", "dark"] as const)("log-in and account can be used by everybody, in %s", async (colorScheme) => {
    const page = await newDevice(colorScheme);
    expect(await barriersOn(page)).toEqual([]);
    await attempt(page, "bob", "wrong");
    await page.getByRole("alert").waitFor();
    expect(await barriersOn(page)).toEqual([]);
    await attempt(page, "bob", passwordOf("bob"));
    await page.getByRole("heading", { name: "Hello, bob" }).waitFor();
    expect(await barriersOn(page)).toEqual([]);
    await close(page.context());
  });

  test("no page asked for what its policy forbids", () => {
    expect(faults).toEqual([]);
  });
});

async function close(...contexts: readonly BrowserContext[]): Promise<void> {
  await Promise.all(contexts.map((context) => context.close()));
}
