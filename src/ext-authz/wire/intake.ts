// Decides when a connection's socket is read: some 64 KiB in a turn of the event loop, and nothing while the peer does not
// take our answers. It looks at no byte.

import type { Socket } from "node:net";
import { eventLoop } from "../../resilience/schedule.ts";

/**
 * What libuv reads at once, and would up to 32 times in a turn: some 45 Checks of 1.4 KB, under half a millisecond. The
 * chunk that crosses it is still taken. Of each connection and not of all: a call that comes by itself must not find the
 * turn used up by somebody else's burst, and an Envoy has no more connections than threads.
 */
const MAX_TURN_BYTES = 65_536;

export class Intake {
  /** Since when the kernel takes none of our answers. */
  stalledAtMs: number | undefined;
  private readonly socket: Pick<Socket, "pause" | "resume">;
  /** Taken in this turn. */
  private turnBytes: number;
  /** Until the next turn. This or a stall: either keeps the socket paused. */
  private isHeld: boolean;
  /** Bound once. */
  private readonly nextTurn: () => void;

  constructor(socket: Pick<Socket, "pause" | "resume">) {
    this.stalledAtMs = undefined;
    this.socket = socket;
    this.turnBytes = 0;
    this.isHeld = false;
    this.nextTurn = () => {
      this.turnBytes = 0;
      if (!this.isHeld) return;
      this.isHeld = false;
      if (this.stalledAtMs === undefined) socket.resume();
    };
  }

  /** A chunk has come. What comes after a turn's last is left to the socket until the next. */
  took(byteCount: number): void {
    if (this.turnBytes === 0) eventLoop.immediate(this.nextTurn);
    this.turnBytes += byteCount;
    if (this.turnBytes < MAX_TURN_BYTES) return;
    this.isHeld = true;
    this.socket.pause();
    eventLoop.putOffLast();
  }

  /** Whoever does not read our answers is not read either, so that nothing piles up. */
  stall(): void {
    if (this.stalledAtMs !== undefined) return;
    this.stalledAtMs = performance.now();
    this.socket.pause();
  }

  drained(): void {
    if (this.stalledAtMs === undefined) return;
    this.stalledAtMs = undefined;
    if (!this.isHeld) this.socket.resume();
  }
}
