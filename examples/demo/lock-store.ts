// Takes the store away for real: another process that holds an exclusive lock on the SQLite file until it is ended.
import { DatabaseSync } from "node:sqlite";

const path = process.argv[2];
if (path === undefined) throw new Error("usage: lock-store.ts FILE");
const database = new DatabaseSync(path);
database.exec("PRAGMA busy_timeout = 5000"); // the sidecar's own writes are over in a moment
database.exec("BEGIN EXCLUSIVE");
console.log("locked");

// Ending the process gives the lock back; a timer keeps it alive until then.
const staying = setInterval(() => undefined, 60_000);
process.once("SIGTERM", () => {
  clearInterval(staying);
  database.close();
});
