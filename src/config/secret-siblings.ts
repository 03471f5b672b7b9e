// Reads the `…File:` siblings of values that may hold a password. What they hold is checked like the value itself, and
// never shown.

import { resolve } from "node:path";
import { warnOfShortSecret } from "./checks/dashboard.ts";
import { checkSigningKey } from "./checks/identity.ts";
import type { Look } from "./checks/look.ts";
import { checkRecordUrl } from "./checks/record.ts";
import { checkBearerToken } from "./checks/report.ts";
import { checkStoreUrl } from "./checks/store.ts";
import { MIN_SECRET_LENGTH } from "./defaults.ts";
import { readSecretFile } from "./read-file.ts";

/** Each is undefined where there is no such sibling, or a problem was reported. */
export interface SecretSiblings {
  readonly storeUrl: string | undefined;
  readonly record: string | undefined;
  readonly auditSecret: string | undefined;
  /** Or as it stands in the file itself, or in the environment. */
  readonly reportToken: string | undefined;
  readonly kafkaPassword: string | undefined;
  readonly nonceSecret: string | undefined;
  /** Of the siblings in lists, by their paths with dots: `ingress.ssf.0.poll.bearerFile`. */
  readonly ofLists: ReadonlyMap<string, string>;
  readonly dashboardClientSecret: string | undefined;
}

/** `directory` is where relative paths begin. */
export function readSecretSiblings(look: Look, directory: string): SecretSiblings {
  return {
    storeUrl: readSibling(look, directory, ["store", "urlFile"], checkStoreUrl),
    record: readSibling(look, directory, ["recordFile"], checkRecordUrl),
    auditSecret: readSibling(look, directory, ["control", "audit", "secretFile"], checkSecretLength),
    reportToken:
      readSibling(look, directory, ["control", "reportTokenFile"], checkBearerToken) ??
      look.text("control", "reportToken") ??
      look.callToken,
    kafkaPassword: readSibling(look, directory, ["kafka", "sasl", "passwordFile"], checkNotEmpty),
    ofLists: readSiblingsOfLists(look, directory),
    nonceSecret: readSibling(look, directory, ["dpop", "nonceSecretFile"], checkSecretLength),
    dashboardClientSecret: readSibling(
      look,
      directory,
      ["dashboard", "oidc", "clientSecretFile"],
      checkDashboardSecret,
    ),
  };
}

function readSiblingsOfLists(look: Look, directory: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const read = (path: readonly PropertyKey[], check: SecretCheck): void => {
    const secret = readSibling(look, directory, path, check);
    if (secret !== undefined) found.set(path.join("."), secret);
  };
  for (const index of look.list("issuers").keys()) {
    read(["issuers", index, "introspection", "clientSecretFile"], checkClientSecret);
  }
  for (const index of look.list("identity", "signed", "keyFiles").keys()) {
    read(["identity", "signed", "keyFiles", index], checkSigningKey);
  }
  for (const index of look.list("ingress", "ssf").keys()) {
    read(["ingress", "ssf", index, "poll", "bearerFile"], checkBearerToken);
    read(["ingress", "ssf", index, "verification", "bearerFile"], checkBearerToken);
  }
  return found;
}

type SecretCheck = (look: Look, path: readonly PropertyKey[], secret: string) => void;

function readSibling(
  look: Look,
  directory: string,
  path: readonly PropertyKey[],
  check: SecretCheck,
): string | undefined {
  const file = look.text(...path);
  if (file === undefined || file === "") return undefined;
  const secret = readSecretFile(resolve(directory, file));
  if (secret.ok) {
    check(look, path, secret.value);
    return secret.value;
  }
  look.wrongValue(path, `the file ${secret.error}`, "a readable file that holds it");
  return undefined;
}

function checkNotEmpty(look: Look, path: readonly PropertyKey[], secret: string): void {
  if (secret === "") look.wrong(path, "the file is empty", "a file that holds it");
}

function checkSecretLength(look: Look, path: readonly PropertyKey[], secret: string): void {
  if (secret.length >= MIN_SECRET_LENGTH) return;
  look.wrong(path, "the file holds too little", `at least ${MIN_SECRET_LENGTH} random characters`);
}

/** RFC 6749 §2.3.1, appendix A.2. */
function checkClientSecret(look: Look, path: readonly PropertyKey[], secret: string): void {
  if (/^[\x20-\x7e]+$/.test(secret)) return;
  look.wrong(path, "the file holds no client secret", "one line of visible ASCII characters");
}

function checkDashboardSecret(look: Look, path: readonly PropertyKey[], secret: string): void {
  checkClientSecret(look, path, secret);
  warnOfShortSecret(look, path, secret);
}
