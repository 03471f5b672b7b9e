// One half of the mutations, and that nothing is caught where nothing is broken.
import { testMutations, testUnchanged } from "./mutations.ts";

testUnchanged();
testMutations(0);
