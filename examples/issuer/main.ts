// Runs the example issuer by itself, as docker-compose.yml does.
import { startIssuer } from "./issuer.ts";

const { HOST = "127.0.0.1", PORT = "8081", ISSUER, AUDIENCE = "orders-api" } = process.env;

const issuer = await startIssuer({
  host: HOST,
  port: Number(PORT),
  ...(ISSUER === undefined ? {} : { issuer: ISSUER }),
  audience: AUDIENCE,
  lifetimeS: 900,
});
console.log(`issuer ${issuer.issuer} on port ${issuer.port}`);

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void issuer.close());
