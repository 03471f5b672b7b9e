// A button that asks why before it does something. What the reason is for, the control plane judges and keeps.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Answer, Problem } from "../api.ts";
import { Dialog } from "./dialog.tsx";
import { Text } from "./field.tsx";
import { ProblemNote } from "./note.tsx";

export interface ActProps {
  /** Of the button that opens the question. */
  readonly label: string;
  readonly look: "quiet" | "danger";
  readonly disabled?: boolean;
  readonly title: string;
  /** What comes of it. */
  readonly consequence: string;
  /** Of the button that does it, and of the one that does not. */
  readonly confirm: string;
  readonly leave: string;
  readonly act: (reason: string) => Promise<Answer<unknown>>;
  readonly done: () => void;
}

export function Act(props: ActProps): JSX.Element {
  const { label, look, disabled = false, title, consequence, confirm, leave, act, done } = props;
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const answer = await act(reason);
    setProblem(answer.ok ? undefined : answer.problem);
    if (!answer.ok) return;
    setOpen(false);
    done();
  };
  return (
    <>
      <button type="button" class={look} disabled={disabled} onClick={() => setOpen(true)}>
        {label}
      </button>
      {isOpen ? (
        <Dialog title={title} close={() => setOpen(false)}>
          <p>{consequence}</p>
          <form onSubmit={(event) => void submit(event)}>
            <Text label="Reason" value={reason} change={setReason} required />
            <ProblemNote problem={problem} />
            <p class="actions">
              <button type="submit">{confirm}</button>
              <button type="button" class="quiet" onClick={() => setOpen(false)}>
                {leave}
              </button>
            </p>
          </form>
        </Dialog>
      ) : null}
    </>
  );
}
