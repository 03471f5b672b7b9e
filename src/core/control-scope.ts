// What may be allowed to a caller of the control API. Which call needs which scope, control/access.ts tells.

/** `portcullis:admin` includes the others. */
export const CONTROL_SCOPES = [
  "portcullis:read",
  "portcullis:revoke",
  "portcullis:admin",
  "portcullis:sidecar",
] as const;
export type ControlScope = (typeof CONTROL_SCOPES)[number];
