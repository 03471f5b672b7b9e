// A reader looks at the publication that is in force when its look begins, from the first one on.

import { expect, test } from "vitest";
import { Publication } from "../../../src/revocation/shared/publication.ts";
import { Publications } from "../../../src/revocation/shared/publications.ts";
import { createSights } from "../../../src/revocation/shared/sights.ts";

const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });
const saying = (ms: number): Publication => {
  const publication = new Publication();
  publication.publish({ position: at(ms), changedAt: at(ms), storeNowS: 0 });
  return publication;
};

test("whoever looks after a succession looks at the next one, without a turn of its own in between", () => {
  const publications = new Publications();
  const reader = createSights(publications.show());
  expect(reader.position).toBeUndefined();
  publications.succeed(saying(1));
  expect(reader.position).toEqual(at(1));
  publications.succeed(saying(2));
  publications.succeed(saying(3));
  expect([reader.position, reader.changedAt]).toEqual([at(3), at(3)]);
});

test("who begins late begins with what is in force, and is told of what comes", () => {
  const publications = new Publications();
  publications.succeed(saying(1));
  const reader = createSights(publications.show());
  expect(reader.position).toEqual(at(1));
  publications.succeed(saying(2));
  expect(reader.position).toEqual(at(2));
});
