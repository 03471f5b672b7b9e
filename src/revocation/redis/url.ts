// Where a Redis is, from its URL. Pure; the credential in it is kept apart, so that no message can show it.

import { err, ok, type Result } from "../../core/result.ts";

export interface RedisAddress {
  readonly at:
    | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls: boolean }
    | { readonly kind: "socket"; readonly path: string };
  /** Number of the logical database. */
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

const DEFAULT_PORT = 6379;

/**
 * Reads `redis://[user[:password]@]host[:port][/db]`, the same with `rediss://`, and
 * `unix:[//[user[:password]@]]/path[?db=n]` (IANA registration of the redis scheme; `:password@` is the default user's).
 * The error is one line for people, without the URL.
 */
export function parseRedisUrl(text: string): Result<RedisAddress, string> {
  let url: URL;
  try {
    // A host is needed for a URL to hold a credential, so a socket's gets one that nobody reads.
    url = new URL(text.replace(/^unix:(?:\/\/([^/]*@)?)?\//, "unix://$1socket/"));
  } catch {
    return err("not a URL");
  }
  const credential = credentialOf(url);
  if (credential === undefined) return err("user or password is not percent-encoded UTF-8");
  if (url.protocol === "unix:") return socketAddress(url, credential);
  if (url.protocol === "redis:" || url.protocol === "rediss:") return tcpAddress(url, credential);
  return err("unknown scheme: redis:, rediss: and unix: are known");
}

/** The address for people: never the credential. */
export function describeAddress({ at, db }: RedisAddress): string {
  if (at.kind === "socket") return `unix:${at.path} db ${db}`;
  const host = at.host.includes(":") ? `[${at.host}]` : at.host;
  return `${at.tls ? "rediss" : "redis"}://${host}:${at.port}/${db}`;
}

type Credential = Pick<RedisAddress, "username" | "password">;

function tcpAddress(url: URL, credential: Credential): Result<RedisAddress, string> {
  if (url.hostname === "") return err("the host is missing");
  if (url.search !== "" || url.hash !== "") return err("parameters are not known here");
  const db = databaseNumber(url.pathname.replace(/^\//, ""));
  if (db === undefined) return err("the database is not a number");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  return ok({ at: { kind: "tcp", host, port, tls: url.protocol === "rediss:" }, db, ...credential });
}

function socketAddress(url: URL, credential: Credential): Result<RedisAddress, string> {
  const path = decoded(url.pathname);
  if (path === undefined || path === "/" || url.hostname !== "socket") return err("the socket's path is missing");
  const db = databaseNumber(url.searchParams.get("db") ?? "");
  if (db === undefined) return err("the database is not a number");
  return ok({ at: { kind: "socket", path }, db, ...credential });
}

function credentialOf(url: URL): Credential | undefined {
  const username = decoded(url.username);
  const password = decoded(url.password);
  if (username === undefined || password === undefined) return undefined;
  return { username: username || undefined, password: password || undefined };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function databaseNumber(text: string): number | undefined {
  if (text === "") return 0;
  return /^[0-9]{1,5}$/.test(text) ? Number(text) : undefined;
}
