// What a sidecar that is fed by a control plane has to say, and which store it then asks.

import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import { configWith, MINIMAL, problemsWith, warningsWith } from "./support.ts";

const CONTROL = "control: { url: https://pc.example.com, reportToken: abc }\n";

describe("feed.type: relay", () => {
  it("needs a token for the control plane", () => {
    const problem = 'feed.type  is "relay": has no token for the control plane';
    expect(problemsWith("feed: { type: relay }\ncontrol: { url: https://pc.example.com }")).toEqual([problem]);
    expect(problemsWith(`${CONTROL}feed: { type: relay }`)).toEqual([]);
  });

  it("asks the control plane, too, unless the file names a store", () => {
    expect(configWith(`${CONTROL}feed: { type: relay }\nstore: { timeout: 90ms }`)).toMatchObject({
      feed: { type: "relay" },
      store: { type: "relay", timeoutMs: 90 },
    });
    expect(configWith(`${CONTROL}feed: { type: relay }\nstore: { url: redis://h }`)).toMatchObject({
      feed: { type: "relay" },
      store: { type: "redis", url: "redis://h" },
    });
  });

  it("is no matter to a control plane on the same file, which has a store of its own", () => {
    const loaded = loadConfig(
      "/etc/p.yaml",
      `${MINIMAL}${CONTROL}feed: { type: relay }`,
      {},
      { unnamedStore: "redis" },
    );
    expect(loaded).toMatchObject({ ok: true, value: { config: { store: { type: "redis" } } } });
  });

  it("warns of a way there that is in the clear", () => {
    const control = "control: { url: http://pc.example.com, reportToken: abc }\n";
    expect(warningsWith(`${control}feed: { type: relay }`)).toEqual([
      "control.url  gets the report token in the clear",
    ]);
  });
});

describe("PORTCULLIS_TOKEN of the environment, where commands have theirs", () => {
  const env = { PORTCULLIS_TOKEN: "from-the-environment" };

  it("is the report token where the file names none", () => {
    expect(configWith("feed: { type: relay }", env).control.reportToken).toBe("from-the-environment");
    expect(configWith(CONTROL, env).control.reportToken).toBe("abc");
    expect(configWith("", { PORTCULLIS_TOKEN: " " }).control.reportToken).toBeUndefined();
  });

  it("is refused where it is no bearer token, and never shown", () => {
    const problem = "control.reportToken  PORTCULLIS_TOKEN of the environment is no bearer token";
    expect(problemsWith("", { PORTCULLIS_TOKEN: "sécret" })).toEqual([problem]);
    expect(problemsWith(CONTROL, { PORTCULLIS_TOKEN: "sécret" })).toEqual([]);
  });
});

it("store.type: relay is nothing without that feed", () => {
  expect(problemsWith(`${CONTROL}store: { type: relay }`)).toEqual([
    'store.type  is "relay": is for who is told by the control plane, too',
  ]);
});
