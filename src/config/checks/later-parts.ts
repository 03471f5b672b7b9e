// Says what of the file belongs to other versions: refused where it would be missed, warned of where something else holds.

import { localUrl, readAddress, readHttpUrl } from "../address.ts";
import { LISTEN } from "../defaults.ts";
import type { Look } from "./look.ts";

export function checkLaterParts(look: Look): void {
  checkFeed(look);
  checkControlUrl(look);
  checkScopes(look);
  if (look.list("control", "secondPerson").length > 0) {
    look.wrong(["control", "secondPerson"], "names kinds, which is not part of this version", "leave it out, or []");
  }
}

function checkFeed(look: Look): void {
  const feed = look.text("feed", "type");
  if (feed === "relay" || feed === "kafka")
    look.wrongValue(["feed", "type"], "not part of this version", "redis or none");
}

function checkControlUrl(look: Look): void {
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
    "is read by nothing in this version: commands ask at --control or PORTCULLIS_CONTROL_URL",
    "leave it out",
  );
}

function checkScopes(look: Look): void {
  for (const index of look.list("control", "tokens").keys()) {
    const at = look.list("control", "tokens", index, "scopes").indexOf("portcullis:sidecar");
    if (at === -1) continue;
    look.warn(
      ["control", "tokens", index, "scopes", at],
      "portcullis:sidecar lets nobody do anything in this version",
      "portcullis:read, portcullis:revoke or portcullis:admin",
    );
  }
}
