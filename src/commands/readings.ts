// The word of the rooms that a configuration is loaded for: what it accepts, none of them refuses later.

import type { Readings } from "../config/readings.ts";
import { canonicalHost } from "../policy/host.ts";
import { compilePattern } from "../policy/pattern.ts";
import { parsePlace } from "../revocation/redis/place.ts";

export const READINGS: Readings = {
  pathPattern(text) {
    const compiled = compilePattern(text);
    return compiled.ok ? undefined : compiled.error;
  },
  host: (text) => (canonicalHost(text) === undefined ? "it could mean another host to somebody else" : undefined),
  storeUrl(text) {
    const parsed = parsePlace(text);
    return parsed.ok ? undefined : parsed.error;
  },
};
