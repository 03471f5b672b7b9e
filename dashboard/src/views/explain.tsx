// What a request would be answered, and why.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post, type Problem } from "../api.ts";
import { Choice, Text } from "../parts/field.tsx";
import { Note, ProblemNote } from "../parts/note.tsx";
import type { Explanation } from "../types.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

export function ExplainView(): JSX.Element {
  const [method, setMethod] = useState<(typeof METHODS)[number]>("GET");
  const [path, setPath] = useState("/");
  const [host, setHost] = useState("");
  const [token, setToken] = useState("");
  const [explanation, setExplanation] = useState<Explanation>();
  const [problem, setProblem] = useState<Problem>();
  const explain = async (event: Event): Promise<void> => {
    event.preventDefault();
    const headers = [
      ...(host.trim() === "" ? [] : [{ name: "host", value: host.trim() }]),
      ...(token.trim() === "" ? [] : [{ name: "authorization", value: `Bearer ${token.trim()}` }]),
    ];
    const answer = await post<Explanation>("/v1/explain", { method, path, headers });
    setExplanation(answer.ok ? answer.value : undefined);
    setProblem(answer.ok ? undefined : answer.problem);
  };
  return (
    <>
      <form class="column" onSubmit={(event) => void explain(event)}>
        <div class="row">
          <Choice label="Method" value={method} of={METHODS} change={setMethod} />
          <Text label="Path" value={path} change={setPath} required />
          <Text label="Host" value={host} change={setHost} hint="Where a rule names one." />
        </div>
        <Text
          label="Token (may be left out)"
          type="password"
          value={token}
          change={setToken}
          hint="With one, the control plane judges it whole, which means that it is sent there. It is neither kept nor logged."
        />
        <p class="actions">
          <button type="submit">Explain</button>
        </p>
      </form>
      <ProblemNote problem={problem} />
      {explanation === undefined ? null : <Steps explanation={explanation} />}
    </>
  );
}

function Steps({ explanation: { steps, verdict } }: { explanation: Explanation }): JSX.Element {
  const { decision, reason, assurance, http_status: status } = verdict;
  return (
    <section aria-label="Explanation">
      <Note kind={decision === "allow" ? "done" : "warn"}>
        {decision === "allow" ? `Allowed (${assurance ?? "ok"})` : `Refused: ${reason}, HTTP ${status}`}
      </Note>
      <dl class="facts">
        {steps.map(({ step, result }) => (
          <>
            <dt>{step}</dt>
            <dd class="code">{result}</dd>
          </>
        ))}
      </dl>
      <p class="hint">By the configuration of this control plane: a sidecar's own may differ.</p>
    </section>
  );
}
