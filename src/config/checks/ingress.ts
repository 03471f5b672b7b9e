// Checks the ingress block against the issuers: who may revoke must be named, known and told apart.

import type { Look } from "./look.ts";
import { checkHttps, issuerIds } from "./issuers.ts";

export function checkIngress(look: Look): void {
  for (const index of look.list("ingress", "backchannelLogout").keys()) {
    checkIssuer(look, ["ingress", "backchannelLogout", index, "issuer"]);
  }
  checkUnique(look, "backchannelLogout", "issuer", "each issuer once, with all of its audiences");
  for (const index of look.list("ingress", "ssf").keys()) checkTransmitter(look, index);
  checkUnique(look, "ssf", "id", "each id once");
  checkUnique(look, "ssf", "issuer", "the event token's iss tells transmitters apart: each once");
}

function checkTransmitter(look: Look, index: number): void {
  const path = ["ingress", "ssf", index];
  const revokes = [...path, "revokes"];
  if (look.has(...revokes)) checkIssuer(look, revokes);
  else if (look.list("issuers").length > 1 && look.keys(...path) !== undefined) {
    look.wrong(revokes, "is missing", "the id of the issuer it speaks of, where there are several");
  }
  const jwks = [...path, "jwks"];
  const sources = (look.keys(...jwks) ?? ["url"]).filter((key) => key === "url" || key === "file");
  if (sources.length !== 1) {
    look.wrong(jwks, sources.length === 0 ? "has no source" : "has both sources", "exactly one of url and file");
  }
  checkHttps(look, [...jwks, "url"], look.flag(...jwks, "allowHttp"));
  for (const block of ["poll", "verification"]) {
    const allowHttp = look.flag(...path, block, "allowHttp");
    checkHttps(look, [...path, block, "url"], allowHttp, "whose bearer token anyone on the way can read");
  }
}

function checkIssuer(look: Look, path: readonly PropertyKey[]): void {
  const ids = issuerIds(look);
  const id = look.text(...path);
  if (id === undefined || ids.length === 0 || ids.includes(id)) return;
  look.wrongValue(path, "no issuer has this id", `one of ${ids.filter((known) => known !== undefined).join(", ")}`);
}

function checkUnique(look: Look, list: "backchannelLogout" | "ssf", key: string, allowed: string): void {
  const seen = new Map<string, number>();
  for (const index of look.list("ingress", list).keys()) {
    const value = look.text("ingress", list, index, key);
    if (value === undefined) continue;
    const before = seen.get(value);
    if (before === undefined) seen.set(value, index);
    else look.wrongValue(["ingress", list, index, key], `the same as ingress.${list}[${before}].${key}`, allowed);
  }
}
