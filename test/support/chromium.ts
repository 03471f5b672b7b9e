// A real Chromium, as Debian packages it, and what keeps people from using a page in it. Where there is none, its tests are
// skipped and say so.
import { existsSync } from "node:fs";
import axe from "axe-core";
import { chromium, type Browser, type Page } from "playwright-core";

const PROGRAM = "/usr/bin/chromium";

/** For the end of a title; empty where there is one. */
export const WHY_NO_CHROMIUM: string = existsSync(PROGRAM)
  ? ""
  : " (skipped: there is no Chromium; scripts/install-chromium says how to get it)";

export function startChromium(): Promise<Browser> {
  // Its sandbox needs more than a container gives to root; the pages are our own.
  return chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

const AUDIT = `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }).then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ": " + nodes.map(({ target, failureSummary }) => target + " " + failureSummary).join("; ")))`;

/** By the rules of WCAG 2.0 to 2.2, A and AA: what is broken, by rule and place. */
export async function barriersOn(page: Page): Promise<unknown> {
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axe.source);
  return page.evaluate(AUDIT);
}
