// Ends a wait at its deadline. What is waited for goes on; its owner sees to the late answer.

export type Waited =
  | { readonly state: "done" }
  | { readonly state: "failed"; readonly error: unknown }
  | { readonly state: "late" };

/** Never rejects; the timer is gone when it resolves. */
export function within(work: Promise<void>, timeoutMs: number): Promise<Waited> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ state: "late" }), timeoutMs);
    const settle = (waited: Waited): void => {
      clearTimeout(timer);
      resolve(waited);
    };
    work.then(
      () => settle({ state: "done" }),
      (error: unknown) => settle({ state: "failed", error }),
    );
  });
}
