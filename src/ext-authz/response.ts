// Turns a verdict into the bytes of a CheckResponse. What can be encoded beforehand is; it decides nothing and tells
// the caller no more than status and challenge.

import { DENY_REASONS, type DenyReason } from "../core/deny-reason.ts";
import { ASSURANCES, type Allow, type Assurance, type Deny } from "../core/verdict.ts";
import { deniedResponse, type DeniedParts } from "./denied-response.ts";
import {
  issuerMetadata,
  OutcomeMetadata,
  revocationMetadata,
  stalenessMetadata,
  writeStaleness,
  type JudgedBy,
} from "./dynamic-metadata.ts";
import { headerOption, removedHeader } from "./header-option.ts";
import { ASSURANCE_HEADER, type CompiledIdentity } from "./identity.ts";
import { bytesField, lengthFieldBytes, writeLengthField } from "./wire-writer.ts";

// Fields of envoy.service.auth.v3.CheckResponse.
const STATUS = 1;
const OK_RESPONSE = 3;
const DYNAMIC_METADATA = 4;

/** google.rpc.Status with code 0, spelled out. */
const STATUS_OK = bytesField(STATUS);
const NO_FIELDS: readonly Buffer[] = [];

export interface ResponseEncoder {
  /** `spoofedNames`: headers of this request to be removed besides, as sent. */
  allow(verdict: Allow, identity: CompiledIdentity, by: JudgedBy, spoofedNames: readonly string[]): Buffer;
  deny(verdict: Deny, by: JudgedBy, issuerId: string | undefined): Buffer;
}

export function createResponseEncoder(realm: string): ResponseEncoder {
  const assuranceFields = encodeEach(ASSURANCES, (assurance) => headerOption(ASSURANCE_HEADER, assurance));
  const allowed = encodeEach<Assurance, OutcomeMetadata>(ASSURANCES, (assurance) => OutcomeMetadata.ofAllow(assurance));
  const refused = encodeEach<DenyReason, OutcomeMetadata>(DENY_REASONS, (reason) => OutcomeMetadata.ofDeny(reason));
  const denied = encodeEach<DenyReason, DeniedParts>(DENY_REASONS, (reason) => deniedResponse(reason, realm));

  return {
    allow(verdict, identity, by, spoofedNames) {
      const { assurance, stalenessMs } = verdict;
      const okFields =
        spoofedNames.length === 0
          ? [identity.okFields, assuranceFields[assurance]]
          : [identity.okFields, assuranceFields[assurance], ...spoofedNames.map(removedHeader)];
      const metadata = [allowed[assurance].by(by), identity.metadataFields, stalenessMetadata(stalenessMs)];
      const response = concatenated(STATUS_OK, okFields, metadata);
      writeStaleness(response, stalenessMs);
      return response;
    },
    deny(verdict, by, issuerId) {
      const { reason, requiredScopes, revokedBy } = verdict;
      return concatenated(denied[reason].with(requiredScopes), NO_FIELDS, [
        refused[reason].by(by),
        issuerMetadata(issuerId),
        revocationMetadata(revokedBy?.revocationId),
      ]);
    },
  };
}

function encodeEach<K extends string, V>(keys: readonly K[], encode: (key: K) => V): Readonly<Record<K, V>> {
  return Object.fromEntries(keys.map((key) => [key, encode(key)])) as Record<K, V>;
}

/** One allocation for the whole answer: `head`, an OkHttpResponse if it has fields, the metadata. */
function concatenated(head: Buffer, okFields: readonly Buffer[], metadataFields: readonly Buffer[]): Buffer {
  const okLength = totalLength(okFields);
  const metadataLength = totalLength(metadataFields);
  const okBytes = okFields.length === 0 ? 0 : lengthFieldBytes(OK_RESPONSE, okLength);
  const response = Buffer.allocUnsafe(head.length + okBytes + lengthFieldBytes(DYNAMIC_METADATA, metadataLength));
  response.set(head, 0);
  let at = head.length;
  if (okFields.length > 0) at = writeAll(response, writeLengthField(response, at, OK_RESPONSE, okLength), okFields);
  writeAll(response, writeLengthField(response, at, DYNAMIC_METADATA, metadataLength), metadataFields);
  return response;
}

function totalLength(parts: readonly Buffer[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}

function writeAll(target: Buffer, from: number, parts: readonly Buffer[]): number {
  let at = from;
  for (const part of parts) {
    target.set(part, at);
    at += part.length;
  }
  return at;
}
