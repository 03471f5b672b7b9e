// Says what of the file belongs to other versions: refused where it would be missed, warned of where something else holds.

import { localUrl, readAddress, readHttpUrl } from "../address.ts";
import { LISTEN } from "../defaults.ts";
import type { Look } from "./look.ts";
import { hasReportToken } from "./report.ts";

export function checkLaterParts(look: Look): void {
  checkFeed(look);
  checkControlUrl(look);
}

function checkFeed(look: Look): void {
  const feed = look.text("feed", "type");
  if (feed !== "kafka") return;
  look.wrongValue(["feed", "type"], "not part of this version: control planes alone use Kafka", "redis, relay or none");
}

function checkControlUrl(look: Look): void {
  if (hasReportToken(look)) return;
  const url = readHttpUrl(look.text("control", "url") ?? "");
  const listen = readAddress(look.text("listen", "control") ?? LISTEN.control);
  if (
    url === undefined ||
    listen?.kind !== "tcp" ||
    url.href === new URL(localUrl(listen, look.has("control", "tls"))).href
  )
    return;
  look.warn(
    ["control", "url"],
    "is read by sidecars that report, with control.reportToken: commands ask at --control or PORTCULLIS_CONTROL_URL",
    "leave it out, or name a reportToken",
  );
}
