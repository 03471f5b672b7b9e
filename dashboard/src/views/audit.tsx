// Who did what, newest first, and whether the trail is whole.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, type Problem } from "../api.ts";
import { count, moment, nameOf } from "../format.ts";
import { Note, ProblemNote, Waiting } from "../parts/note.tsx";
import type { AuditItem, Page } from "../types.ts";

interface Verified {
  readonly valid: boolean;
  readonly entries: number;
  readonly lost: number;
}

export function AuditView(): JSX.Element {
  const [page, setPage] = useState<Page<AuditItem>>();
  const [problem, setProblem] = useState<Problem>();
  const [verified, setVerified] = useState<Verified | "asking">();
  const load = async (cursor?: string): Promise<void> => {
    const answer = await get<Page<AuditItem>>(
      `/v1/audit?limit=50${cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    setProblem(answer.ok ? undefined : answer.problem);
    if (!answer.ok) return;
    const { items, cursor: next } = answer.value;
    setPage((before) => ({
      items: cursor === undefined ? items : [...(before?.items ?? []), ...items],
      ...(next === undefined ? {} : { cursor: next }),
    }));
  };
  const verify = async (): Promise<void> => {
    setVerified("asking");
    const answer = await get<Verified>("/v1/audit/verify");
    setVerified(answer.ok ? answer.value : undefined);
    setProblem(answer.ok ? undefined : answer.problem);
  };
  useEffect(() => void load(), []);
  return (
    <>
      <p class="actions">
        <button type="button" class="quiet" onClick={() => void load()}>
          Read again
        </button>
        <button type="button" class="quiet" disabled={verified === "asking"} onClick={() => void verify()}>
          Verify the chain
        </button>
      </p>
      {verified === "asking" ? <Waiting what="Walking the chain …" /> : null}
      {verified === undefined || verified === "asking" ? null : <Verdict verified={verified} />}
      <ProblemNote problem={problem} />
      {page === undefined && problem === undefined ? <Waiting what="Reading the trail …" /> : null}
      {page?.items.length === 0 ? <Note kind="info">Nobody has done anything yet.</Note> : null}
      {page === undefined || page.items.length === 0 ? null : <Trail items={page.items} />}
      {page?.cursor === undefined ? null : (
        <button type="button" class="quiet" onClick={() => void load(page.cursor)}>
          More
        </button>
      )}
    </>
  );
}

function Verdict({ verified: { valid, entries, lost } }: { verified: Verified }): JSX.Element {
  if (!valid) return <Note kind="warn">The chain is broken: something was changed, left out or put in.</Note>;
  return (
    <Note kind={lost === 0 ? "done" : "warn"}>
      {entries === 1 ? "1 entry, and it fits" : `${count(entries)} entries fit together`}
      {lost === 0 ? "." : `; ${count(lost)} were lost in an outage.`}
    </Note>
  );
}

function Trail({ items }: { items: readonly AuditItem[] }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Audit trail">
      <table>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">Target</th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={`${item.chain}-${item.seq}`}>
              <td>{item.at === undefined ? "–" : moment(item.at)}</td>
              <td>{item.actor ?? "–"}</td>
              <td>
                <span class={/refused|unreadable|unconfirmed/.test(item.action) ? "state broken" : "state"}>
                  {item.action.replaceAll("_", " ")}
                </span>
                {item.count === undefined || item.count < 2 ? "" : ` × ${item.count}`}
              </td>
              <td class="code">{item.target === undefined ? "" : nameOf(item.target)}</td>
              <td>{item.reason ?? ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
