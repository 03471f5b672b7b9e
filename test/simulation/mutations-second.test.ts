// The other half of the mutations.
import { testMutations } from "./mutations.ts";

testMutations(1);
