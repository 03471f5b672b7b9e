// Checks where the control plane's system of record is.

import type { Look } from "./look.ts";

const RECORD_URL = "postgres://user@host:port/database; ?sslmode=verify-full for TLS";

export function checkRecord(look: Look): void {
  const record = look.text("record");
  if (record === undefined || record === "") return;
  if (look.has("recordFile")) look.wrong(["recordFile"], "stands beside record", "one of the two");
  checkRecordUrl(look, ["record"], record);
}

/** `path` names where the URL was written; the URL itself is a secret and never shown. */
export function checkRecordUrl(look: Look, path: readonly PropertyKey[], url: string): void {
  if (!isPostgresUrl(url)) look.wrong(path, "is no URL of a PostgreSQL", RECORD_URL);
}

function isPostgresUrl(text: string): boolean {
  if (/\s/.test(text) || !/^postgres(?:ql)?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { pathname, hash } = new URL(text);
  return hash === "" && /^\/[^/]+$/.test(pathname);
}
