// What a control plane does on its own for a transmitter of security events, for as long as it runs.

import type { Room } from "../api/room.ts";

export interface Following {
  /** Once. */
  start(room: Room): void;
  /** Ends what is under way, and resolves when nothing is. */
  stop(): Promise<void>;
}
