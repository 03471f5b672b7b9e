// Who is asked where the primary is: nobody where there is one server, the Sentinels where there are some.

import type { Clock } from "../../core/clock.ts";
import { fixedLocator, type Locator } from "./locator.ts";
import type { OnePlace, SentinelPlace } from "./place.ts";
import { createSentinelLocator } from "./sentinels.ts";

export function locatorOf(place: OnePlace | SentinelPlace, clock: Clock): Locator {
  return place.kind === "one" ? fixedLocator(place.address) : createSentinelLocator(place, clock);
}
