// Judges a token by a table of markers: what stands there for any of its keys. Pure; it knows nothing of how old that is.

import type { Judgement } from "../judge.ts";
import type { RevocationSubject } from "../subject.ts";
import { FINGERPRINT_WORDS, type Fingerprints } from "./fingerprint.ts";
import { ABSENT, type MarkerTable } from "./table.ts";

const ACTIVE: Judgement = { state: "active" };

/** `nowS`: seconds of the store's clock. */
export function judgeBy(
  table: Pick<MarkerTable, "issuedBeforeS" | "revocationId">,
  fingerprints: Fingerprints,
  nowS: number,
  subject: RevocationSubject,
): Judgement {
  const words = fingerprintsOf(subject, fingerprints);
  const { kinds, issuedAtS } = subject;
  let unreadable: Judgement | undefined;
  for (let i = 0; i < kinds.length; i += 1) {
    const issuedBeforeS = table.issuedBeforeS(words, i * FINGERPRINT_WORDS, nowS);
    if (issuedBeforeS === ABSENT) continue;
    const kind = kinds[i];
    if (kind === undefined) continue;
    if (Number.isNaN(issuedBeforeS)) unreadable ??= { state: "unreadable", kind };
    else if (issuedAtS < issuedBeforeS) {
      const revocationId = table.revocationId(words, i * FINGERPRINT_WORDS);
      return { state: "revoked", by: { kind, revocationId } };
    }
  }
  return unreadable ?? ACTIVE;
}

/** Computed once: by another salt a key has another name. */
function fingerprintsOf(subject: RevocationSubject, fingerprints: Fingerprints): Int32Array {
  if (subject.fingerprints?.salt !== fingerprints.salt) {
    subject.fingerprints = { salt: fingerprints.salt, words: fingerprints.of(subject.keys) };
  }
  return subject.fingerprints.words;
}
