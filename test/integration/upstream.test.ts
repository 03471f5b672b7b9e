// The upstreams of the examples leave it to Envoy to end idle connections: a call sent as they did would be lost.
import { Agent, get } from "node:http";
import { expect, test } from "vitest";
import { startUpstream } from "../../examples/upstream/upstream.ts";

test("it names no time after which it would end an idle connection", async () => {
  const upstream = await startUpstream({ host: "127.0.0.1", port: 0 });
  const agent = new Agent({ keepAlive: true });
  const headers = await new Promise<unknown>((resolve, reject) => {
    get({ host: "127.0.0.1", port: upstream.port, agent }, (response) => {
      response.resume();
      resolve(response.headers);
    }).once("error", reject);
  });
  expect(headers).toMatchObject({ connection: "keep-alive" });
  expect(headers).not.toHaveProperty("keep-alive");
  agent.destroy();
  await upstream.close();
});
