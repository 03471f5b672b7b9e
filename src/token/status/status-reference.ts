// Where a token says that its status stands (Token Status List §6.2), and whether that is a place we go to. Pure.

import { err, ok, type Result } from "../../core/result.ts";
import { isJsonObject, type JsonObject } from "../json.ts";

/** The claim that holds it. */
export const STATUS_CLAIM = "status";

export interface StatusReference {
  readonly uri: URL;
  /** As written: the list must name itself by the same. */
  readonly text: string;
  readonly index: number;
}

/**
 * The reference in the claims of a verified token; undefined: it has none. A token's signer may send us nowhere but below
 * `places`: URLs, of which those that end with a slash stand for all below them.
 */
export function readStatusReference(
  claims: JsonObject,
  places: readonly string[],
): Result<StatusReference, "claim_invalid"> | undefined {
  const status = claims[STATUS_CLAIM];
  if (status === undefined) return undefined;
  if (!isJsonObject(status)) return err("claim_invalid");
  const list = status["status_list"];
  // Of another mechanism (§6.1): none that is known here.
  if (list === undefined) return undefined;
  return isJsonObject(list) ? readMembers(list, places) : err("claim_invalid");
}

function readMembers(
  { idx: index, uri: text }: JsonObject,
  places: readonly string[],
): Result<StatusReference, "claim_invalid"> {
  if (!isIndex(index) || typeof text !== "string") return err("claim_invalid");
  const uri = URL.parse(text);
  // Only what is written as a URL is read: no dot segments, no other spelling of a host, no user.
  if (uri === null || uri.href !== text || uri.hash !== "") return err("claim_invalid");
  return places.some((place) => isAt(text, place)) ? ok({ uri, text, index }) : err("claim_invalid");
}

function isIndex(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isAt(text: string, place: string): boolean {
  return place.endsWith("/") ? text.startsWith(place) : text === place;
}
