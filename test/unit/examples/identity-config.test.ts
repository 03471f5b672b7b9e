// The identity service's configuration file: the one that is shipped loads, and what is wrong with another is said.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readConfig } from "../../../examples/identity-service/config.ts";

const MINIMAL = "issuer: https://id.example.com\napis: [{ audience: orders-api }]\n";

test("the shipped one loads", () => {
  const config = readConfig(readFileSync("examples/identity-service/identity.yaml", "utf8"), {});
  expect(config.accounts.map(({ username }) => username)).toEqual(["alice", "root"]);
});

test("what is not said has a default", () => {
  expect(readConfig(MINIMAL, {})).toMatchObject({
    listen: { host: "127.0.0.1", port: 8081 },
    accessTokenTtlS: 600,
    devicePolicy: { device: "step-up", network: "log", country: "step-up" },
    portcullis: undefined,
  });
});

test.each([
  ["an issuer with a path", "issuer: https://id.example.com/realm\napis: [{ audience: a }]\n", "an origin"],
  ["tokens that live too long", `${MINIMAL}accessTokenTtlS: 3600\n`, "900"],
  ["a name that nobody knows", `${MINIMAL}acessTokenTtlS: 600\n`, "acessTokenTtlS"],
  ["a country in a header that anybody may write", `${MINIMAL}countryHeader: cf-ipcountry\n`, "trustedProxies"],
  ["a variable that is not set", `${MINIMAL}store: \${STORE_URL}\n`, "STORE_URL"],
])("%s is refused", (_, text, why) => {
  expect(() => readConfig(text, {})).toThrow(why);
});

test("variables are filled in", () => {
  expect(readConfig(`${MINIMAL}store: \${STORE_URL}\n`, { STORE_URL: "redis://r:6379" }).store).toBe("redis://r:6379");
});
