// Revokes a list: read here, shown what it would hit, sent as one batch, and told line by line what became of it.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { answerOf, send, type Problem } from "../api.ts";
import { several } from "../format.ts";
import { linesOf } from "../lines.ts";
import { Choice, Field, Text } from "../parts/field.tsx";
import { ProblemNote } from "../parts/note.tsx";
import { WouldHit } from "../parts/would-hit.tsx";
import { MAX_LINES, readTargets, type TargetLine } from "../target-list.ts";
import type { Kind, Session, Target } from "../types.ts";

/** What hits more than one person is revoked one at a time. */
const LISTED: readonly Kind[] = ["user", "session", "token"];
const TIMEOUT_MS = 300_000;

interface LineResult {
  /** Of the person's list. */
  readonly line: number;
  readonly name: string;
  readonly problem: string | undefined;
  readonly waits: boolean;
}

export function ManyView({ session }: { session: Session }): JSX.Element {
  const [text, setText] = useState("");
  const [kind, setKind] = useState<Kind>("user");
  const [issuer, setIssuer] = useState(session.issuers[0]?.id ?? "");
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [results, setResults] = useState<readonly LineResult[]>();
  const [isRunning, setRunning] = useState(false);
  const lines = readTargets(text, kind, issuer);
  const targets = lines.flatMap(({ line, target }) => (target === undefined ? [] : [{ line, target }]));
  const faults = lines.filter(({ fault }) => fault !== undefined);

  const change = (next: string): void => {
    setText(next);
    setResults(undefined);
  };
  const revoke = async (event: Event): Promise<void> => {
    event.preventDefault();
    setRunning(true);
    setProblem(await sendBatch(targets, reason.trim(), setResults));
    setRunning(false);
  };
  return (
    <form class="column" onSubmit={(event) => void revoke(event)}>
      <div class="row">
        <Choice label="Kind" value={kind} of={LISTED} change={setKind} />
        <Choice label="Issuer" value={issuer} of={session.issuers.map(({ id }) => id)} change={setIssuer} />
        <ListFile loaded={change} />
      </div>
      <Text
        label="List"
        rows={8}
        value={text}
        change={change}
        required
        hint={`An id a line, or CSV as kind,id,issuer. At most ${MAX_LINES.toLocaleString("en")} lines.`}
      />
      <Faults faults={faults} />
      <Text
        label="Reason"
        value={reason}
        change={setReason}
        required
        hint="For all of them, kept in the audit trail."
      />
      <WouldHit targets={targets.map(({ target }) => target)} />
      <p class="actions">
        <button type="submit" class="danger" disabled={isRunning || targets.length === 0 || targets.length > MAX_LINES}>
          Revoke {several(targets.length, "target")}
        </button>
      </p>
      <ProblemNote problem={problem} />
      {results === undefined ? null : <Results results={results} total={targets.length} isRunning={isRunning} />}
    </form>
  );
}

function ListFile({ loaded }: { loaded: (text: string) => void }): JSX.Element {
  return (
    <Field label="From a file">
      {(ids) => (
        <input
          {...ids}
          type="file"
          accept=".csv,.txt,text/csv,text/plain"
          onChange={(event) => void event.currentTarget.files?.[0]?.text().then(loaded)}
        />
      )}
    </Field>
  );
}

function Faults({ faults }: { faults: readonly TargetLine[] }): JSX.Element | null {
  if (faults.length === 0) return null;
  return (
    <div class="note wrong" role="alert">
      {several(faults.length, "line")} will be left out:
      <ul>
        {faults.slice(0, 5).map(({ line, fault }) => (
          <li key={line}>
            line {line}: {fault}
          </li>
        ))}
      </ul>
    </div>
  );
}

interface ResultsProps {
  readonly results: readonly LineResult[];
  readonly total: number;
  readonly isRunning: boolean;
}

function Results({ results, total, isRunning }: ResultsProps): JSX.Element {
  const failed = results.filter(({ problem }) => problem !== undefined);
  const waiting = results.filter(({ waits }) => waits).length;
  return (
    <section aria-label="Results">
      <progress max={total} value={results.length} aria-label="Progress" />
      <p role="status">
        {results.length} of {total} told{isRunning ? " …" : ""}: {results.length - failed.length - waiting} revoked,{" "}
        {failed.length} failed{waiting === 0 ? "" : `, ${waiting} wait for approval`}.
      </p>
      <div class="scroll short" tabIndex={0} role="region" aria-label="Result of each line">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                Line
              </th>
              <th scope="col">Target</th>
              <th scope="col">Result</th>
            </tr>
          </thead>
          <tbody>
            {[...failed, ...results.filter(({ problem }) => problem === undefined)].slice(0, 500).map((result) => (
              <tr key={result.line}>
                <td class="number">{result.line}</td>
                <td class="code">{result.name}</td>
                <td class={result.problem === undefined ? "" : "bad"}>
                  {result.problem ?? (result.waits ? "waits for approval" : "revoked")}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

interface BatchLine {
  readonly line: number;
  readonly status?: string;
  readonly error?: { readonly title: string; readonly detail?: string };
}

/** Resolves with what went wrong with the whole; `told` hears what is known so far, each time more is. */
async function sendBatch(
  targets: readonly { readonly line: number; readonly target: Target }[],
  reason: string,
  told: (results: readonly LineResult[]) => void,
): Promise<Problem | undefined> {
  const results: LineResult[] = [];
  told([]);
  const body = targets.map(({ target }) => JSON.stringify({ target, reason })).join("\n");
  const headers = { "content-type": "application/x-ndjson", "idempotency-key": crypto.randomUUID() };
  const response = await send("POST", "/v1/revocations/batch", body, headers, TIMEOUT_MS);
  if (response?.ok !== true || response.body === null) {
    const answer = await answerOf(response);
    return answer.ok ? undefined : answer.problem;
  }
  try {
    for await (const text of linesOf(response.body)) {
      const { line, status, error } = JSON.parse(text) as BatchLine;
      const meant = targets[line - 1];
      results.push({
        line: meant?.line ?? line,
        name: `${meant?.target.kind ?? ""} ${meant?.target.id ?? ""}`,
        problem: error === undefined ? undefined : [error.title, error.detail].filter(Boolean).join(": "),
        waits: status === "pending",
      });
      if (results.length % 25 === 0) told([...results]);
    }
  } catch {
    told([...results]);
    return {
      code: "cut_off",
      status: 0,
      text: "The answer was cut off: what is not told below may have happened or not.",
    };
  }
  told([...results]);
  return undefined;
}
