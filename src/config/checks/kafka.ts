// Checks the kafka block: who may revoke must be named, known and told apart, and nothing we publish may come back as an
// order.

import { resolve } from "node:path";
import { isLoopback } from "../../core/loopback.ts";
import { readAddress } from "../address.ts";
import { readSecretFile } from "../read-file.ts";
import { issuerIds } from "./issuers.ts";
import type { Look } from "./look.ts";

/** `directory`: where relative paths begin. */
export function checkKafka(look: Look, directory: string): void {
  if (look.keys("kafka") === undefined) return;
  if (!look.has("kafka", "publish") && !look.has("kafka", "consume")) {
    look.wrong(["kafka"], "neither publishes nor consumes", "at least one of publish and consume");
  }
  checkTlsFiles(look, directory);
  checkSasl(look);
  for (const index of look.list("kafka", "consume", "senders").keys()) checkSender(look, index);
}

function checkTlsFiles(look: Look, directory: string): void {
  const tls = ["kafka", "tls"];
  const [certificate, key] = [look.has(...tls, "certificateFile"), look.has(...tls, "keyFile")];
  if (certificate !== key) {
    look.wrong(tls, `has a ${certificate ? "certificate" : "key"} alone`, "certificateFile and keyFile, or neither");
  }
  for (const name of ["caFile", "certificateFile", "keyFile"]) {
    const file = look.text(...tls, name);
    if (file === undefined || file === "") continue;
    const read = readSecretFile(resolve(directory, file));
    // Sidecars read the same block, where the control plane's files need not be.
    if (!read.ok) look.warn([...tls, name], `the file ${read.error}`, "a PEM file");
  }
}

function checkSasl(look: Look): void {
  const sasl = ["kafka", "sasl"];
  if (look.keys(...sasl) === undefined) return;
  const [inline, file] = [look.has(...sasl, "password"), look.has(...sasl, "passwordFile")];
  if (inline && file) look.wrong([...sasl, "passwordFile"], "stands beside kafka.sasl.password", "one of the two");
  if (!inline && !file) look.wrong(sasl, "has no password", "passwordFile, or password");
  const isFar = look.list("kafka", "brokers").some((broker) => {
    const address = typeof broker === "string" ? readAddress(broker) : undefined;
    return address?.kind === "tcp" && !isLoopback(address.host);
  });
  if (!isFar || look.has("kafka", "tls")) return;
  look.warn(sasl, "proves who we are over plain TCP, for anyone on the way to see", "tls beside it");
}

function checkSender(look: Look, index: number): void {
  const path = ["kafka", "consume", "senders", index];
  checkIssuer(look, path);
  const [topic, source] = [look.text(...path, "topic"), look.text(...path, "source")];
  if (source !== undefined && source === look.text("kafka", "publish", "source")) {
    look.wrongValue([...path, "source"], "what we publish ourselves", "the source of another");
  }
  if (topic !== undefined && topic === look.text("kafka", "consume", "deadLetterTopic")) {
    look.wrongValue([...path, "topic"], "the topic for dead letters", "another topic");
  }
  for (let before = 0; before < index; before += 1) checkApart(look, path, before);
}

/** Every sender has a name of its own, and what it sends is nobody else's. */
function checkApart(look: Look, path: readonly PropertyKey[], before: number): void {
  const other = ["kafka", "consume", "senders", before];
  const isSame = (key: string): boolean => {
    const value = look.text(...path, key);
    return value !== undefined && value === look.text(...other, key);
  };
  const name = `kafka.consume.senders[${before}]`;
  if (isSame("id")) look.wrongValue([...path, "id"], `the same as ${name}.id`, "each id once");
  if (isSame("source") && isSame("topic")) {
    look.wrongValue([...path, "source"], `${name} has the same topic and source`, "each once");
  }
}

function checkIssuer(look: Look, path: readonly PropertyKey[]): void {
  const ids = issuerIds(look);
  const id = look.text(...path, "issuer");
  if (id !== undefined) {
    if (ids.length === 0 || ids.includes(id)) return;
    const known = ids.filter((one) => one !== undefined).join(", ");
    return look.wrongValue([...path, "issuer"], "no issuer has this id", `one of ${known}`);
  }
  const isNeeded = look.list(...path, "kinds").some((kind) => kind !== "everything");
  if (!isNeeded || look.has(...path, "issuer") || look.list("issuers").length <= 1) return;
  look.wrong([...path, "issuer"], "is missing", "the id of the issuer whose tokens it may revoke");
}
