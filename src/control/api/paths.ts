// Which methods the paths of the API take. Whatever else is tried there is answered with 405.

import { RELAY_PATH } from "../../revocation/relay/link.ts";
import { LOOK_UPS_PATH } from "../../revocation/relay/store.ts";
import { EXPLAIN_PATH } from "./explain.ts";
import { REPORTS_PATH, SUMMARY_PATH } from "./fleet.ts";
import { PREVIEW_PATH } from "./preview.ts";

export const ALLOWED_METHODS: Readonly<Record<string, readonly string[]>> = {
  "/openapi.json": ["GET", "HEAD"],
  "/v1/revocations": ["GET", "HEAD", "POST"],
  "/v1/revocations/batch": ["POST"],
  [PREVIEW_PATH]: ["POST"],
  "/v1/revocations/pending": ["GET", "HEAD"],
  "/v1/revocations/pending/:id": ["DELETE"],
  "/v1/revocations/pending/:id/approve": ["POST"],
  "/v1/revocations/:id": ["GET", "HEAD", "DELETE"],
  "/v1/check": ["GET", "HEAD"],
  [EXPLAIN_PATH]: ["POST"],
  "/v1/introspect": ["POST"],
  "/v1/events": ["GET"],
  "/v1/fleet": ["GET", "HEAD"],
  [SUMMARY_PATH]: ["GET", "HEAD"],
  [REPORTS_PATH]: ["POST"],
  "/v1/events/ws": ["GET"],
  [RELAY_PATH]: ["GET"],
  [LOOK_UPS_PATH]: ["POST"],
  "/v1/audit": ["GET", "HEAD"],
  "/v1/audit/verify": ["GET", "HEAD"],
};
