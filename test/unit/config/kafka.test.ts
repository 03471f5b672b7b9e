// The kafka block: what may stand in it, what is refused or warned of, and that it shows no password.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatConfig } from "../../../src/config/format.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { MINIMAL } from "./support.ts";

const SENDER = { id: "hr", topic: "hr", source: "urn:hr", kinds: ["user"] };
const CONSUME = { group: "g", audience: "fleet", senders: [SENDER] };
const PUBLISH = { topic: "revocations", source: "urn:us" };

describe("the kafka block", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "kafka-"));
    writeFileSync(join(folder, "password"), "s3cret\n");
    writeFileSync(join(folder, "empty"), "\n");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const load = (kafka: object, before = MINIMAL): ReturnType<typeof loadConfig> =>
    loadConfig(
      join(folder, "portcullis.yaml"),
      `${before}\nkafka: ${JSON.stringify({ brokers: ["k:9092"], ...kafka })}`,
      {},
    );
  const problems = (kafka: object, before?: string): readonly string[] => {
    const loaded = load(kafka, before);
    return loaded.ok ? [] : loaded.error.map(({ path, problem }) => `${path} ${problem}`);
  };
  const warnings = (kafka: object): readonly string[] => {
    const loaded = load(kafka);
    return loaded.ok ? loaded.value.warnings.map(({ path }) => path) : ["it did not load"];
  };

  test("is off unless there, and a sender's issuer is the only one there is", () => {
    const without = loadConfig(join(folder, "portcullis.yaml"), MINIMAL, {});
    expect(without.ok && without.value.config.kafka).toBeUndefined();
    const loaded = load({ consume: CONSUME });
    expect(loaded.ok && loaded.value.config.kafka?.consume?.senders).toEqual([{ ...SENDER, issuer: "main" }]);
  });

  test("takes the password from a file, and never shows it", () => {
    const sasl = { mechanism: "scram-sha-512", username: "us", passwordFile: "password" };
    const loaded = load({ publish: PUBLISH, sasl, tls: {} });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    expect(loaded.value.config.kafka?.sasl?.password).toBe("s3cret");
    expect(formatConfig(loaded.value.config)).not.toContain("s3cret");
    const inline = problems({ publish: PUBLISH, sasl: { mechanism: "nonsense", username: "us", password: "hunter2" } });
    expect(inline).toHaveLength(1);
    expect(inline[0]).not.toContain("hunter2");
  });

  test("reads back as it is printed", () => {
    const loaded = load({
      publish: PUBLISH,
      consume: { ...CONSUME, deadLetterTopic: "dead" },
      tls: { caFile: "ca.pem" },
    });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    const again = loadConfig(join(folder, "portcullis.yaml"), formatConfig(loaded.value.config), {});
    expect(again.ok && again.value.config.kafka).toEqual(loaded.value.config.kafka);
  });

  test.each<[string, object, string]>([
    ["that does neither", {}, "kafka neither publishes nor consumes"],
    ["without a sender", { consume: { ...CONSUME, senders: [] } }, "kafka.consume.senders"],
    ["without an audience", { consume: { group: "g", senders: [SENDER] } }, "kafka.consume.audience"],
    ["of a sender without kinds", { consume: { ...CONSUME, senders: [{ ...SENDER, kinds: [] }] } }, "kinds"],
    [
      "of an unknown issuer",
      { consume: { ...CONSUME, senders: [{ ...SENDER, issuer: "x" }] } },
      "no issuer has this id",
    ],
    [
      "of one sender twice",
      { consume: { ...CONSUME, senders: [SENDER, SENDER] } },
      "the same as kafka.consume.senders[0].id",
    ],
    [
      "of two names for one sender",
      { consume: { ...CONSUME, senders: [SENDER, { ...SENDER, id: "other" }] } },
      "has the same topic and source",
    ],
    [
      "that takes what it publishes",
      { publish: PUBLISH, consume: { ...CONSUME, senders: [{ ...SENDER, source: "urn:us" }] } },
      "what we publish ourselves",
    ],
    ["that takes dead letters", { consume: { ...CONSUME, deadLetterTopic: "hr" } }, "the topic for dead letters"],
    ["with a certificate alone", { publish: PUBLISH, tls: { certificateFile: "c.pem" } }, "has a certificate alone"],
    ["without a password", { publish: PUBLISH, sasl: { mechanism: "plain", username: "u" } }, "has no password"],
    [
      "with an empty password",
      { publish: PUBLISH, sasl: { mechanism: "plain", username: "u", passwordFile: "empty" } },
      "the file is empty",
    ],
    ["with a broker without a port", { brokers: ["k"], publish: PUBLISH }, "kafka.brokers"],
    ["with a key nobody knows", { publish: PUBLISH, retries: 3 }, "kafka.retries"],
  ])("is refused %s", (_what, kafka, told) => {
    expect(problems(kafka).join("\n")).toContain(told);
  });

  test("needs a sender's issuer where there are several", () => {
    const two = `${MINIMAL}  - { issuer: "https://other.example.com", id: other, jwks: { file: k.json }, audiences: [a] }`;
    expect(problems({ consume: CONSUME }, two).join("\n")).toContain("kafka.consume.senders[0].issuer is missing");
    const all = { ...CONSUME, senders: [{ ...SENDER, kinds: ["everything"] }] };
    expect(problems({ consume: all }, two).join("\n")).not.toContain("senders[0].issuer");
  });

  test("warns of a password that anybody on the way can see", () => {
    const sasl = { mechanism: "plain", username: "u", passwordFile: "password" };
    expect(warnings({ publish: PUBLISH, sasl })).toContain("kafka.sasl");
    expect(warnings({ publish: PUBLISH, sasl, tls: {} })).not.toContain("kafka.sasl");
    expect(warnings({ brokers: ["127.0.0.1:9092"], publish: PUBLISH, sasl })).not.toContain("kafka.sasl");
  });
});
