// The tests of one room, as Stryker runs them; ROOM names it as in stryker.config.mjs.
import { BaseSequencer } from "vitest/node";
import { ROOMS } from "./rooms.mjs";

const { tests } = ROOMS[process.env.ROOM];

const place = ({ moduleId }) => tests.findIndex((pattern) => moduleId.endsWith(pattern));

/** As they are listed, the quick ones first: the first that notices a mutant ends its run. */
class AsListed extends BaseSequencer {
  sort(files) {
    return Promise.resolve(files.toSorted((a, b) => place(a) - place(b)));
  }
}

export default {
  // Mutated code counts every step it takes: what takes half a second elsewhere takes half a minute here.
  test: { include: tests, testTimeout: 120_000, sequence: { sequencer: AsListed } },
};
