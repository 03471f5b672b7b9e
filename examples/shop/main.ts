// Runs the shop by itself, as docker-compose.yml does.
import { startShop } from "./shop.ts";

const {
  HOST = "127.0.0.1",
  PORT = "8080",
  PUBLIC_URL = "http://127.0.0.1:8000",
  GUARDED_URL = PUBLIC_URL,
} = process.env;
const { ISSUER = "http://127.0.0.1:8081", CLIENT_SECRET = "never-use-this-secret-for-anything-real" } = process.env;

const shop = await startShop({
  host: HOST,
  port: Number(PORT),
  publicUrl: PUBLIC_URL,
  guardedUrl: GUARDED_URL,
  issuer: ISSUER,
  clientId: "shop",
  clientSecret: CLIENT_SECRET,
  scope: "openid orders:read orders:write admin",
});
console.log(`shop on port ${shop.port}`);

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void shop.close());
