// Every reason for a denial has the status and the challenge that RFC 6750 gives it.
import { expect, test } from "vitest";
import { DENY_SHAPES } from "../../../src/core/deny-reason.ts";

/** HTTP status and challenge (RFC 6750 §3) of each reason. */
const TABLE = {
  "401 realm": ["missing_token"],
  "400 invalid_request": ["malformed_request", "ambiguous_path"],
  "401 invalid_token": [
    "malformed_token",
    "token_too_large",
    "unsupported_token",
    "unknown_issuer",
    "unknown_key",
    "algorithm_not_allowed",
    "bad_signature",
    "expired",
    "not_yet_valid",
    "wrong_audience",
    "wrong_type",
    "lifetime_too_long",
    "claim_invalid",
    "revoked",
  ],
  "403 insufficient_scope": ["insufficient_scope"],
  "503 none": ["revocation_unavailable", "keys_unavailable", "overloaded", "config_error", "internal_error"],
};

test.each(Object.entries(TABLE))("refused with %s: %s", (shape, reasons) => {
  for (const [reason, { httpStatus, challenge }] of Object.entries(DENY_SHAPES)) {
    expect([reason, `${httpStatus} ${challenge}` === shape]).toEqual([reason, reasons.includes(reason)]);
  }
});
