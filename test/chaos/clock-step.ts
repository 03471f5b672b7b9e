// Steps the wall clock that one process sees, by libfaketime (make chaos puts it into .cache/): its monotonic clock, and
// everybody else's, go on as they were.

import { existsSync, globSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export interface SteppedClock {
  /** What the process is started with. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on it is so much later there; 0: as it is. */
  stepTo(seconds: number): void;
  remove(): void;
}

/** undefined: there is no libfaketime, and clocks can't be stepped. */
export function createSteppedClock(): SteppedClock | undefined {
  const library = faketimeLibrary();
  if (library === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "chaos-clock-"));
  const file = join(folder, "offset");
  const stepTo = (seconds: number): void => {
    // It is read once a second: never half a file.
    writeFileSync(`${file}.next`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    renameSync(`${file}.next`, file);
  };
  stepTo(0);
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      // Looking at each reading of the clock would cost more than all else the process does.
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    stepTo,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function faketimeLibrary(): string | undefined {
  const places = [".cache/faketime/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/*/faketime/libfaketime.so.1"];
  return places
    .flatMap((place) => globSync(place))
    .map((found) => resolve(found))
    .find((found) => existsSync(found));
}
