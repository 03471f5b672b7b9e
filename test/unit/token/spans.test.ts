// Which of verification's steps have a span.
import { expect, test } from "vitest";
import {
  createTestKey,
  goodClaims,
  issuerWith,
  keysByHand,
  recordingSpan,
  signToken,
  verifierFor,
} from "../../support/tokens.ts";

const key = createTestKey("ES256", "k1");

test("a sampled call has a span for what is verified anew, and none for what is remembered", () => {
  const { verifier, clock } = verifierFor([issuerWith(keysByHand([key.jwk], ["ES256"]), ["ES256"])]);
  const log: string[] = [];
  const verify = (token: string): void => {
    const now = clock.now();
    verifier.verify(Buffer.from(token), now, now.monotonicMs + 1_000, recordingSpan(log, "check"), () =>
      log.push("done"),
    );
  };
  verify(signToken(key, goodClaims({ sub: "" })));
  expect(log.splice(0)).toEqual(["begin verify", "fail verify claim_invalid", "end verify", "done"]);
  const good = signToken(key, goodClaims());
  verify(good);
  expect(log.splice(0)).toEqual(["begin verify", "end verify", "done"]);
  verify(good);
  expect(log.splice(0)).toEqual(["done"]);
});
