// Lifts a revocation, once it was asked why.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { remove, type Problem } from "../api.ts";
import { Dialog } from "./dialog.tsx";
import { Text } from "./field.tsx";
import { ProblemNote } from "./note.tsx";

export interface LiftProps {
  readonly id: string;
  /** Of what is let in again. */
  readonly name: string;
  readonly done: () => void;
}

export function Lift({ id, name, done }: LiftProps): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const answer = await remove(`/v1/revocations/${encodeURIComponent(id)}`, { reason });
    setProblem(answer.ok ? undefined : answer.problem);
    if (!answer.ok) return;
    setOpen(false);
    done();
  };
  return (
    <>
      <button type="button" class="quiet" onClick={() => setOpen(true)}>
        Lift …
      </button>
      {isOpen ? (
        <Dialog title={`Lift the revocation of ${name}`} close={() => setOpen(false)}>
          <p>Tokens that it refused, and that are good otherwise, are let in again within a second.</p>
          <form onSubmit={(event) => void submit(event)}>
            <Text label="Reason" value={reason} change={setReason} required />
            <ProblemNote problem={problem} />
            <p class="actions">
              <button type="submit">Lift it</button>
              <button type="button" class="quiet" onClick={() => setOpen(false)}>
                Leave it
              </button>
            </p>
          </form>
        </Dialog>
      ) : null}
    </>
  );
}
