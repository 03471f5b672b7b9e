// Runs the echoing upstream by itself, as docker-compose.yml does.
import { startUpstream } from "./upstream.ts";

const { HOST = "127.0.0.1", PORT = "8080", IDENTITY_JWKS, IDENTITY_ISSUER, IDENTITY_AUDIENCE } = process.env;

const upstream = await startUpstream({
  host: HOST,
  port: Number(PORT),
  ...(IDENTITY_JWKS === undefined
    ? {}
    : { identity: { jwksUrl: IDENTITY_JWKS, issuer: IDENTITY_ISSUER ?? "", audience: IDENTITY_AUDIENCE ?? "" } }),
});
console.log(`upstream on port ${upstream.port}`);

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void upstream.close());
