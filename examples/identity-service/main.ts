// Runs the identity service by itself: `node examples/identity-service/main.ts identity.yaml`. Ends on SIGTERM when what it
// was answering is answered.
import { readFileSync } from "node:fs";
import { readConfig } from "./config.ts";
import { jsonLog } from "./log.ts";
import { startIdentityService } from "./service.ts";
import { openRedisStore } from "./store/redis.ts";
import { openSqliteStore } from "./store/sqlite.ts";

const file = process.argv[2];
if (file === undefined) {
  console.error("usage: node examples/identity-service/main.ts FILE");
  process.exit(2);
}

const log = jsonLog((line) => void process.stdout.write(line));
const config = readConfig(readFileSync(file, "utf8"), process.env);
const store = /^rediss?:\/\//.test(config.store)
  ? openRedisStore(config.store, config.storeKeyPrefix, (error) => log("redis_error", { failure: error.message }))
  : openSqliteStore(config.store);

const service = await startIdentityService({
  ...config,
  store,
  log,
});
for (const account of config.accounts) await service.accounts.add(account);
log("listening", { issuer: service.issuer, listen: config.listen, private: service.privateUrl });

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void service.stop());
