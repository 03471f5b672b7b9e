// Run as a process of its own: takes the exclusive lock of a SQLite file, says so, and keeps it until it is ended.
import { DatabaseSync } from "node:sqlite";

const file = new DatabaseSync(process.argv[2] ?? "", { timeout: 5_000 });
file.exec("BEGIN EXCLUSIVE");
console.log("locked");
setInterval(() => undefined, 60_000);
