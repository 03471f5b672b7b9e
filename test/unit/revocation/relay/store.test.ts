// A relay's look-ups over real HTTP: what is believed of an answer, and when one comes too late.

import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createRelayStore, type RelayStore } from "../../../../src/revocation/relay/store.ts";

let server: Server;
let store: RelayStore;

afterEach(async () => {
  await store.stop();
  await new Promise((resolve) => server.close(resolve));
});

async function answering(listener: RequestListener): Promise<void> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  store = createRelayStore({ controlUrl: `http://127.0.0.1:${port}`, token: "t" });
}

test("an answer that lay there while this process was busy is heard: load opens no door", async () => {
  await answering((_request, response) => {
    response.end('{"values":["1"]}');
    // Behind it in the loop come timers, and then what has come in.
    setImmediate(() => {
      const endMs = performance.now() + 600;
      while (performance.now() < endMs);
    });
  });
  expect(await store.read(["revoked:jti:main:a"], 500)).toEqual({ ok: true, value: ["1"] });
});

test("one that does not come is not waited for", async () => {
  await answering(() => undefined);
  const beganMs = performance.now();
  expect(await store.read(["revoked:jti:main:a"], 50)).toMatchObject({ ok: false, error: { cause: "timeout" } });
  expect(performance.now() - beganMs).toBeLessThan(5_000);
});

test.each(["[]", "null", "no JSON", '{"values":[]}', '{"values":["1","2"]}', '{"values":[1]}', '{"values":"1"}'])(
  "what is no answer to the question is none: %s",
  async (body) => {
    await answering((_request, response) => response.end(body));
    expect(await store.read(["revoked:jti:main:a"], 10_000)).toMatchObject({ ok: false, error: { cause: "protocol" } });
  },
);

test.each([
  [429, "", "overloaded"], // the fleet's own load: for decide() no store that is out
  [503, '{"cause":"loading"}', "loading"],
  [503, '{"cause":"anything"}', "disconnected"],
  [403, "", "auth"],
  [404, "", "protocol"],
])("an answer %i %s is a fault of cause %s", async (status, body, cause) => {
  await answering((_request, response) => response.writeHead(status).end(body));
  expect(await store.read(["revoked:jti:main:a"], 10_000)).toMatchObject({ ok: false, error: { cause } });
});
