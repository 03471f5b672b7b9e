// Run as a process of its own: revokes one user many times over in a SQLite file that others write too.
import { createEmbeddedStore } from "../../src/revocation/embedded/store.ts";
import { newRevocation, realClock } from "../conformance/store-suite.ts";

const [path = "", firstS = "0", count = "0"] = process.argv.slice(2);
const store = createEmbeddedStore({ path, keyPrefix: "", clock: realClock });
await store.start();
let stored = 0;
for (let i = 0; i < Number(count); i += 1) {
  const put = await store.put(
    newRevocation({ kind: "user", issuer: "main", id: "alice" }, { issuedBeforeS: Number(firstS) + i }),
  );
  if (put.ok) stored += 1;
  else console.log(put.error);
}
await store.stop();
console.log(`stored ${stored}`);
