// Which host names surely mean this machine, where plain http may be allowed: none that another resolver could read
// otherwise.
import { expect, test } from "vitest";
import { isLoopback } from "../../../src/core/loopback.ts";

test.each(["localhost", "127.0.0.1", "127.255.255.254", "[::1]"])("%s never leaves this machine", (hostname) => {
  expect(isLoopback(hostname)).toBe(true);
});

test.each([
  "localhost.",
  "a.localhost",
  "localhost.example.com",
  "127.0.0.1.example.com",
  "1127.0.0.1",
  "128.0.0.1",
  "0.0.0.0",
  "[::]",
  "[::ffff:127.0.0.1]",
  "::1",
  "",
])("%j may be anywhere", (hostname) => {
  expect(isLoopback(hostname)).toBe(false);
});
