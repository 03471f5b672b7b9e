// Which Redis a URL means: one server, a primary that Sentinels name, or a Cluster. Pure; no message shows a credential.

import { err, ok, type Result } from "../../core/result.ts";
import { describeAddress, parseRedisUrl, type RedisAddress } from "./url.ts";

export interface OnePlace {
  readonly kind: "one";
  readonly address: RedisAddress;
}

export interface SentinelPlace {
  readonly kind: "sentinel";
  /** At least one. */
  readonly sentinels: readonly RedisAddress[];
  /** What the Sentinels call the primary. */
  readonly primaryName: string;
  /** How to reach whatever they name; its host and port mean nothing. */
  readonly primary: RedisAddress;
}

export interface ClusterPlace {
  readonly kind: "cluster";
  /** At least one; the others are learned from them, and reached in the same way. */
  readonly seeds: readonly RedisAddress[];
}

export type RedisPlace = OnePlace | SentinelPlace | ClusterPlace;

const DEFAULT_SENTINEL_PORT = 26_379;

/** Scheme, topology, credential of the Redis, hosts, path, parameters. */
const SEVERAL =
  /^(?<scheme>rediss?)\+(?<topology>sentinel|cluster):\/\/(?:(?<credential>[^@/?#]*)@)?(?<hosts>[^@/?#]+)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/i;

interface Parts {
  readonly scheme: string;
  readonly topology: string;
  readonly credential?: string;
  readonly hosts: string;
  readonly path?: string;
  readonly query?: string;
}

/**
 * Reads what parseRedisUrl reads, and
 * `redis+sentinel://[user[:password]@]host[:port],…/name[/db][?sentinelUser=u&sentinelPassword=p]` and
 * `redis+cluster://[user[:password]@]host[:port],…`, both with `rediss+` for TLS everywhere. Before the hosts stands the
 * credential of the Redis itself. The error is one line for people, without the URL.
 */
export function parsePlace(text: string): Result<RedisPlace, string> {
  if (!/^rediss?\+/i.test(text)) {
    const one = parseRedisUrl(text);
    return one.ok ? ok({ kind: "one", address: one.value }) : one;
  }
  const parts = SEVERAL.exec(text)?.groups as Parts | undefined;
  if (parts === undefined) return err("not a list of hosts: redis+sentinel://host:port,host:port/name is one");
  return parts.topology.toLowerCase() === "sentinel" ? sentinelPlace(parts) : clusterPlace(parts);
}

/** The place for people: never a credential. */
export function describePlace(place: RedisPlace): string {
  if (place.kind === "one") return describeAddress(place.address);
  const of = place.kind === "cluster" ? place.seeds : place.sentinels;
  const hosts = of.map((address) => describeAddress(address).replace(/^.*:\/\/|\/\d+$/g, "")).join(",");
  const scheme = isTls(of[0]) ? "rediss" : "redis";
  if (place.kind === "cluster") return `${scheme}+cluster://${hosts}`;
  return `${scheme}+sentinel://${hosts}/${place.primaryName}/${place.primary.db}`;
}

function isTls(address: RedisAddress | undefined): boolean {
  return address?.at.kind === "tcp" && address.at.tls;
}

function sentinelPlace(parts: Parts): Result<RedisPlace, string> {
  const [primaryName = "", db, ...more] = (parts.path ?? "").split("/");
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(primaryName)) return err("the primary's name is missing after the Sentinels");
  if (more.length > 0) return err("after the primary's name stands a database at the most");
  const primary = parseRedisUrl(`${parts.scheme}://${before(parts.credential)}primary/${db ?? ""}`);
  if (!primary.ok) return primary;
  const credential = sentinelCredential(parts.query);
  if (!credential.ok) return credential;
  const sentinels = hostsOf(parts, credential.value, DEFAULT_SENTINEL_PORT);
  if (!sentinels.ok) return sentinels;
  return ok({ kind: "sentinel", sentinels: sentinels.value, primaryName, primary: primary.value });
}

/** As it stands before a host: Sentinels have users of their own. */
function sentinelCredential(query: string | undefined): Result<string, string> {
  const told = new URLSearchParams(query ?? "");
  for (const name of told.keys()) {
    if (name !== "sentinelUser" && name !== "sentinelPassword") {
      return err("parameters but sentinelUser and sentinelPassword are not known here");
    }
  }
  const [user, password] = [told.get("sentinelUser") ?? "", told.get("sentinelPassword") ?? ""];
  if (password === "") return user === "" ? ok("") : err("sentinelUser needs a sentinelPassword");
  return ok(`${encodeURIComponent(user)}:${encodeURIComponent(password)}`);
}

function clusterPlace(parts: Parts): Result<RedisPlace, string> {
  if (!/^0?$/.test(parts.path ?? "")) return err("a Cluster has database 0 only");
  if (parts.query !== undefined) return err("parameters are not known here");
  const seeds = hostsOf(parts, parts.credential, undefined);
  return seeds.ok ? ok({ kind: "cluster", seeds: seeds.value }) : seeds;
}

function hostsOf(
  { scheme, hosts }: Parts,
  credential: string | undefined,
  defaultPort: number | undefined,
): Result<readonly RedisAddress[], string> {
  const found: RedisAddress[] = [];
  for (const host of hosts.split(",")) {
    if (host === "") return err("a host is missing between two commas");
    const hasPort = /:\d+$/.test(host.replace(/^\[.*\]/, ""));
    const port = hasPort || defaultPort === undefined ? "" : `:${defaultPort}`;
    const one = parseRedisUrl(`${scheme}://${before(credential)}${host}${port}`);
    if (!one.ok) return one;
    found.push(one.value);
  }
  return ok(found);
}

function before(credential: string | undefined): string {
  return credential === undefined || credential === "" ? "" : `${credential}@`;
}
