// Says what of the file belongs to other versions: refused where it would be missed, warned of where something else holds.

import type { Look } from "./look.ts";

export function checkLaterParts(look: Look): void {
  if (look.text("listen", "transport") === "wire") {
    look.warn(
      ["listen", "transport"],
      "wire is not part of this version; grpc-js serves, with the same answers",
      "grpc-js",
    );
  }
  checkFeed(look);
  checkScopes(look);
  for (const key of ["record", "recordFile"]) {
    const value = look.text(key);
    if (value !== undefined && value !== "")
      look.wrong([key], "is set, which is not part of this version", 'leave it out, or ""');
  }
  if (look.list("control", "secondPerson").length > 0) {
    look.wrong(["control", "secondPerson"], "names kinds, which is not part of this version", "leave it out, or []");
  }
}

function checkFeed(look: Look): void {
  const feed = look.text("feed", "type");
  if (feed === "redis") {
    look.warn(["feed", "type"], "redis is not part of this version; every answer comes from the store itself", "none");
  }
  if (feed === "relay" || feed === "kafka") look.wrongValue(["feed", "type"], "not part of this version", "none");
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
