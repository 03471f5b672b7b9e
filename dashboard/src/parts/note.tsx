// What is said where something is missing, waited for, wrong, or done.

import type { ComponentChildren, JSX } from "preact";
import type { Problem } from "../api.ts";

export function Note({ kind, children }: { kind: "info" | "done" | "warn"; children: ComponentChildren }): JSX.Element {
  return (
    <p class={`note ${kind}`} role="status">
      {children}
    </p>
  );
}

export function ProblemNote({ problem }: { problem: Problem | undefined }): JSX.Element | null {
  if (problem === undefined) return null;
  return (
    <p class="note wrong" role="alert">
      {problem.text}
    </p>
  );
}

export function Waiting({ what }: { what: string }): JSX.Element {
  return (
    <p class="waiting" role="status">
      <span class="bars" aria-hidden="true" /> {what}
    </p>
  );
}
