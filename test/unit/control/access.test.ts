// Which scope a revocation or a lift needs, and what a bootstrap token is: the rules themselves, without a server.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import {
  authenticateWith,
  holds,
  nameInLog,
  scopeOfKind,
  scopeToLift,
  type Authenticator,
} from "../../../src/control/access.ts";
import { createBootstrapAuthenticator, createBootstrapToken } from "../../../src/control/bootstrap-token.ts";
import { newRevocationId } from "../../../src/control/revocation-id.ts";
import { err, ok } from "../../../src/core/result.ts";
import { TARGET_KINDS } from "../../../src/core/target.ts";

test("what hits more than one person's sessions is for admins", () => {
  const forRevokers = TARGET_KINDS.filter((kind) => scopeOfKind(kind) === "portcullis:revoke");
  expect(forRevokers).toEqual(["token", "session", "user"]);
});

test("admin includes the other scopes, and no other scope includes any", () => {
  const caller = (...scopes: string[]) => ({ name: "x", scopes });
  expect(holds(caller("portcullis:admin"), "portcullis:read")).toBe(true);
  expect(holds(caller("portcullis:admin"), "portcullis:revoke")).toBe(true);
  expect(holds(caller("portcullis:revoke"), "portcullis:read")).toBe(false);
  expect(holds(caller("portcullis:read"), "portcullis:revoke")).toBe(false);
  expect(holds(caller("portcullis:sidecar", "admin"), "portcullis:read")).toBe(false);
});

test("lifting another's revocation is for admins, one's own needs the scope of its kind", () => {
  const caller = { name: "ci", scopes: [] };
  expect(scopeToLift(caller, { by: "ci", target: { kind: "user" } })).toBe("portcullis:revoke");
  expect(scopeToLift(caller, { by: "desk", target: { kind: "user" } })).toBe("portcullis:admin");
  expect(scopeToLift(caller, { by: "ci", target: { kind: "tenant" } })).toBe("portcullis:admin");
  expect(scopeToLift(caller, { by: "", target: { kind: "token" } })).toBe("portcullis:admin");
});

test("a bootstrap token is 32 random bytes, known by its SHA-256 only", async () => {
  const { token, sha256 } = createBootstrapToken();
  expect(Buffer.from(token, "base64url")).toHaveLength(32);
  expect(createHash("sha256").update(token).digest("hex")).toBe(sha256);
  const authenticator = createBootstrapAuthenticator([
    { name: "other", sha256: createBootstrapToken().sha256, scopes: [] },
    { name: "ci", sha256: sha256.toUpperCase(), scopes: ["portcullis:revoke"] },
  ]);
  expect(await authenticator.authenticate(token)).toEqual(ok({ name: "ci", scopes: ["portcullis:revoke"] }));
  expect(await authenticator.authenticate(`${token}x`)).toEqual(err({ cause: "unknown_token" }));
  expect(await authenticator.authenticate(sha256)).toEqual(err({ cause: "unknown_token" }));
});

test("a hash that is none would let nobody in for ever, so it is refused at the start", () => {
  expect(() => createBootstrapAuthenticator([{ name: "ci", sha256: "abc", scopes: [] }])).toThrow("of token ci");
});

test("authenticators are asked in order until one knows the kind of token, and a refusal is final", async () => {
  const asked: string[] = [];
  const named = (name: string, outcome: Awaited<ReturnType<Authenticator["authenticate"]>>): Authenticator => ({
    async authenticate() {
      asked.push(name);
      return outcome;
    },
  });
  const unknown = err({ cause: "unknown_token" } as const);
  const refused = err({ cause: "refused" } as const);
  const caller = ok({ name: "x", scopes: [] });
  expect(await authenticateWith([named("a", unknown), named("b", caller), named("c", refused)], "t")).toEqual(caller);
  expect(await authenticateWith([named("a", refused), named("b", caller)], "t")).toEqual(refused);
  expect(await authenticateWith([named("a", unknown)], "t")).toEqual(unknown);
  expect(asked).toEqual(["a", "b", "a", "a"]);
});

test("a revocation's id is a UUIDv7: it sorts by time and no two are equal", () => {
  const ids = [1, 1_700_000_000_000, 1_700_000_000_001, 4_102_444_800_000].map(newRevocationId);
  expect(ids.toSorted()).toEqual(ids);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(parseInt(newRevocationId(1_700_000_000_123).replaceAll("-", "").slice(0, 12), 16)).toBe(1_700_000_000_123);
  expect(new Set(Array.from({ length: 1_000 }, () => newRevocationId(5))).size).toBe(1_000);
});

test("the log calls a bootstrap token by its name and a person by a hash", () => {
  expect(nameInLog({ name: "ci", scopes: [] })).toBe("ci");
  const logged = nameInLog({ name: "main/alice", scopes: [] });
  expect(logged).toMatch(/^main\/[0-9a-f]{32}$/);
  expect(nameInLog({ name: "main/bob", scopes: [] })).not.toBe(logged);
});
