// Turns a verdict into the bytes of a CheckResponse. What can be encoded beforehand is; it decides nothing and tells
// the caller no more than status and challenge.

import { DENY_REASONS, type DenyReason } from "../core/deny-reason.ts";
import type { CredentialScheme } from "../core/possession.ts";
import { ASSURANCES, type Allow, type Assurance, type Deny } from "../core/verdict.ts";
import { deniedResponse, dpopDenial, type DeniedParts, type DpopOffer } from "./denied-response.ts";
import { OutcomeMetadata, writeStaleness, type JudgedBy } from "./dynamic-metadata.ts";
import { answerHeader, headerOption, removedHeader } from "./header-option.ts";
import { ASSURANCE_HEADER } from "./identity.ts";
import { lengthFieldBytes, writeLengthField } from "./protobuf-writer.ts";

// Fields of envoy.service.auth.v3.CheckResponse.
const STATUS_TAG = 0x0a; // status = 1
const OK_RESPONSE = 3;

/** google.rpc.Status with code 0, spelled out: tag and length of an empty message. */
const STATUS_OK_BYTES = 2;
const NOTHING: Buffer = Buffer.alloc(0);

export interface ResponseEncoder {
  /**
   * `identityFields`: of the caller's CompiledIdentity. `spoofedNames`: headers of this request to be removed besides, as
   * sent. `nextNonce`: for the client's next DPoP proof, where it needs one.
   */
  allow(
    verdict: Allow,
    identityFields: Buffer,
    by: JudgedBy,
    spoofedNames: readonly string[],
    nextNonce?: string,
  ): Buffer;
  /** `scheme` that the credential came with. */
  deny(verdict: Deny, by: JudgedBy, scheme?: CredentialScheme): Buffer;
}

/** `dpop` undefined: nobody's tokens come with a proof here. */
export function createResponseEncoder(realm: string, dpop?: DpopOffer): ResponseEncoder {
  const assuranceFields = encodeEach(ASSURANCES, (assurance) => headerOption(ASSURANCE_HEADER, assurance));
  const aged = encodeEach<Assurance, OutcomeMetadata>(ASSURANCES, (assurance) =>
    OutcomeMetadata.ofAllow(assurance, true),
  );
  const ageless = encodeEach<Assurance, OutcomeMetadata>(ASSURANCES, (assurance) =>
    OutcomeMetadata.ofAllow(assurance, false),
  );
  const refused = encodeEach<DenyReason, OutcomeMetadata>(DENY_REASONS, (reason) => OutcomeMetadata.ofDeny(reason));
  const observed = encodeEach<DenyReason, OutcomeMetadata>(DENY_REASONS, (reason) =>
    OutcomeMetadata.ofObserved(reason),
  );
  const denied = encodeEach<DenyReason, DeniedParts>(DENY_REASONS, (reason) => deniedResponse(reason, realm, dpop));

  return {
    allow({ assurance, stalenessMs, observed: refusal }, identityFields, by, spoofedNames, nextNonce) {
      const removed = spoofedNames.length === 0 ? NOTHING : Buffer.concat(spoofedNames.map(removedHeader));
      const further =
        nextNonce === undefined ? removed : Buffer.concat([removed, answerHeader("dpop-nonce", nextNonce)]);
      const metadata =
        refusal === undefined
          ? (stalenessMs === undefined ? ageless : aged)[assurance].by(by)
          : metadataOfRefusal(observed[refusal.reason], refusal, by);
      const response = okResponse(identityFields, assuranceFields[assurance], further, metadata);
      if (stalenessMs !== undefined) writeStaleness(response, stalenessMs);
      return response;
    },
    deny(verdict, by, scheme = "Bearer") {
      const { reason, requiredScopes, sender } = verdict;
      const metadata = metadataOfRefusal(refused[reason], verdict, by);
      const challenge = sender?.challenge;
      const isOfDpop = dpop !== undefined && (scheme === "DPoP" || challenge !== undefined);
      const answer = isOfDpop ? dpopDenial(reason, challenge, requiredScopes, dpop) : undefined;
      return Buffer.concat([answer ?? denied[reason].with(requiredScopes), metadata]);
    },
  };
}

function metadataOfRefusal(metadata: OutcomeMetadata, { revokedBy }: Deny, by: JudgedBy): Buffer {
  const id = revokedBy?.revocationId;
  return id === undefined ? metadata.by(by) : metadata.withRevocation(by, id);
}

function encodeEach<K extends string, V>(keys: readonly K[], encode: (key: K) => V): Readonly<Record<K, V>> {
  return Object.fromEntries(keys.map((key) => [key, encode(key)])) as Record<K, V>;
}

/** One allocation for the whole answer: an empty status, an OkHttpResponse of three parts, the metadata. */
function okResponse(identity: Buffer, assurance: Buffer, removed: Buffer, metadata: Buffer): Buffer {
  const okLength = identity.length + assurance.length + removed.length;
  const response = Buffer.allocUnsafe(STATUS_OK_BYTES + lengthFieldBytes(OK_RESPONSE, okLength) + metadata.length);
  response[0] = STATUS_TAG;
  response[1] = 0;
  let at = writeLengthField(response, STATUS_OK_BYTES, OK_RESPONSE, okLength);
  response.set(identity, at);
  at += identity.length;
  response.set(assurance, at);
  at += assurance.length;
  if (removed.length > 0) response.set(removed, at);
  response.set(metadata, at + removed.length);
  return response;
}
