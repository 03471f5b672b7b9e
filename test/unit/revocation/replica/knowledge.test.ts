// Which of two reports of one key is the newer, whichever came first.

import { expect, test } from "vitest";
import { Knowledge } from "../../../../src/revocation/replica/knowledge.ts";
import type { FeedEntry, Moment, StandingMarker } from "../../../../src/revocation/replica/source.ts";
import { subjectOf } from "../../../../src/revocation/subject.ts";
import { principalOf } from "../../../support/principal.ts";

const KEY = "revoked:jti:main:jti-1";
const standing: StandingMarker = { kind: "token", value: "1", expiresAtMs: undefined };
const subject = subjectOf(principalOf({}), "", "t", 0);

function entry(seq: number, marker: StandingMarker | undefined): FeedEntry {
  return { epoch: "e", seq, link: `l${seq}`, previousLink: `l${seq - 1}`, key: KEY, marker, isAwaited: false };
}

function moment(seq: number, marker: StandingMarker | "absent"): Moment {
  return { head: { epoch: "e", seq, link: `l${seq}` }, storeNowMs: 0, markers: [marker] };
}

const stateOf = (known: Knowledge): string => known.judge({ ...subject, fingerprints: undefined }).state;

test("a reading made before an entry, and heard after it, changes nothing", () => {
  const known = new Knowledge();
  known.applyEntry(entry(8, standing), true);
  known.applyMoment([KEY], moment(7, "absent"), 8);
  expect(stateOf(known)).toBe("revoked");
  known.applyEntry(entry(9, undefined), true);
  known.applyMoment([KEY], moment(8, standing), 9);
  expect(stateOf(known)).toBe("active");
});

test("an entry told before a reading, and heard after it, changes nothing", () => {
  const known = new Knowledge();
  known.applyMoment([KEY], moment(7, standing), 5); // set by hand after entry 7, which lifted it
  known.applyEntry(entry(7, undefined), false);
  expect(stateOf(known)).toBe("revoked");
  known.settleOrder(7);
  known.applyEntry(entry(8, undefined), false);
  expect(stateOf(known)).toBe("active");
});

test("of two readings as of the same entry the one that was answered last counts", () => {
  const known = new Knowledge();
  known.applyMoment([KEY], moment(7, standing), 7);
  known.applyMoment([KEY], moment(7, "absent"), 7);
  expect(stateOf(known)).toBe("active");
});

test("a marker ends when the store's clock says so, whatever ours does", () => {
  const known = new Knowledge();
  known.applyEntry(entry(1, { ...standing, expiresAtMs: 10_500 }), false);
  known.setStoreNow(10_999);
  expect(stateOf(known)).toBe("revoked");
  known.setStoreNow(11_000);
  expect(stateOf(known)).toBe("active");
});

test("what a scan did not find again is forgotten, what was learned since it began is not", () => {
  const known = new Knowledge();
  known.applyEntry(entry(1, standing), false);
  known.beginGeneration();
  for (let next = known.forgetOlder(0); next !== 0;) next = known.forgetOlder(next);
  expect(stateOf(known)).toBe("active");
  known.applyEntry(entry(2, standing), false);
  for (let next = known.forgetOlder(0); next !== 0;) next = known.forgetOlder(next);
  expect(stateOf(known)).toBe("revoked");
});
