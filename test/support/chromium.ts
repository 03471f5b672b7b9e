// A real Chromium, as Debian packages it. Where there is none, its tests are skipped and say so.
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const PROGRAM = "/usr/bin/chromium";

/** For the end of a title; empty where there is one. */
export const WHY_NO_CHROMIUM: string = existsSync(PROGRAM)
  ? ""
  : " (skipped: there is no Chromium; scripts/install-chromium says how to get it)";

export function startChromium(): Promise<Browser> {
  // Its sandbox needs more than a container gives to root; the pages are our own.
  return chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}
