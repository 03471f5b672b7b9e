// Asks what a revocation would hit before it is done. An answer is of the very targets it was asked for: with others it is
// gone.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { post, type Problem } from "../api.ts";
import { several } from "../format.ts";
import type { Preview, Target } from "../types.ts";
import { Blast } from "./blast.tsx";
import { Note, ProblemNote, Waiting } from "./note.tsx";

/** As many as one preview takes. */
const MAX_PREVIEWED = 200;

export function WouldHit({ targets }: { targets: readonly Target[] }): JSX.Element {
  const [preview, setPreview] = useState<Preview | "asking">();
  const [problem, setProblem] = useState<Problem>();
  const asked = JSON.stringify(targets.slice(0, MAX_PREVIEWED));
  useEffect(() => {
    setPreview(undefined);
    setProblem(undefined);
  }, [asked]);
  const look = async (): Promise<void> => {
    setPreview("asking");
    const answer = await post<Preview>("/v1/revocations/preview", { targets: targets.slice(0, MAX_PREVIEWED) });
    setPreview(answer.ok ? answer.value : undefined);
    setProblem(answer.ok ? undefined : answer.problem);
  };
  return (
    <>
      <p class="actions">
        <button
          type="button"
          class="quiet"
          onClick={() => void look()}
          disabled={targets.length === 0 || preview === "asking"}
        >
          See what it would hit
        </button>
      </p>
      {preview === "asking" ? <Waiting what="Asking every sidecar …" /> : null}
      {preview === undefined || preview === "asking" ? null : <Blast preview={preview} />}
      {preview !== undefined && targets.length > MAX_PREVIEWED ? (
        <Note kind="warn">
          That is of the first {MAX_PREVIEWED} of {several(targets.length, "line")}.
        </Note>
      ) : null}
      <ProblemNote problem={problem} />
    </>
  );
}
