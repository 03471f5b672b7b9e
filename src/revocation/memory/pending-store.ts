// What waits for approval, in this process's memory.

import { ok } from "../../core/result.ts";
import { MAX_PENDING, type PendingRequest, type PendingStore } from "../pending-store.ts";

export function createMemoryPendingStore(nowMs: () => number): PendingStore {
  const waiting = new Map<string, PendingRequest>();
  const live = (): readonly PendingRequest[] => {
    for (const { id, expiresAtMs } of waiting.values()) if (expiresAtMs <= nowMs()) waiting.delete(id);
    return [...waiting.values()].toSorted((a, b) => a.expiresAtMs - b.expiresAtMs);
  };
  return {
    async addPending(id, text, ttlMs) {
      if (live().length >= MAX_PENDING) return ok(undefined);
      const request = { id, text, expiresAtMs: nowMs() + ttlMs };
      waiting.set(id, request);
      return ok(request);
    },
    pending: async () => ok(live()),
    pendingById: async (wanted) => ok(live().find(({ id }) => id === wanted)),
    async takePending(id) {
      live();
      const request = waiting.get(id);
      waiting.delete(id);
      return ok(request);
    },
  };
}
