// What stands revoked, and what waits for a second person.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, post, remove, type Problem } from "../api.ts";
import { moment, nameOf } from "../format.ts";
import { Act } from "../parts/act.tsx";
import { Choice } from "../parts/field.tsx";
import { Lift } from "../parts/lift.tsx";
import { Note, ProblemNote, Waiting } from "../parts/note.tsx";
import { KINDS, type Kind, type Page, type Pending, type Revocation, type Session } from "../types.ts";

export function StandingView({ session }: { session: Session }): JSX.Element {
  const [kind, setKind] = useState<Kind | "all">("all");
  const [page, setPage] = useState<Page<Revocation>>();
  const [problem, setProblem] = useState<Problem>();
  const load = async (cursor?: string): Promise<void> => {
    const query = new URLSearchParams({
      ...(kind === "all" ? {} : { kind }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    const answer = await get<Page<Revocation>>(`/v1/revocations?${query.toString()}`);
    setProblem(answer.ok ? undefined : answer.problem);
    if (!answer.ok) return;
    const { items, cursor: next } = answer.value;
    setPage((before) => ({
      items: cursor === undefined ? items : [...(before?.items ?? []), ...items],
      ...(next === undefined ? {} : { cursor: next }),
    }));
  };
  useEffect(() => void load(), [kind]);
  return (
    <>
      <Waits session={session} approved={() => void load()} />
      <div class="row">
        <Choice label="Kind" value={kind} of={["all", ...KINDS]} change={setKind} />
      </div>
      <ProblemNote problem={problem} />
      {page === undefined && problem === undefined ? <Waiting what="Reading the store …" /> : null}
      {page?.items.length === 0 ? <Note kind="info">Nothing stands revoked.</Note> : null}
      <ul class="cards">
        {page?.items.map((one) => (
          <li key={one.id} class="card">
            <h2>
              {one.target.kind} <span class="code">{one.target.id ?? one.target.issuer ?? ""}</span>
              {one.target.id === undefined ? null : <span class="hint"> of {one.target.issuer}</span>}
            </h2>
            <p>{one.reason ?? "No reason given: another program wrote it."}</p>
            <p class="hint">
              {one.by ?? "another program"}
              {one.at === undefined ? "" : `, ${moment(one.at)}`} ·{" "}
              {one.expires_at === null ? "until lifted" : `until ${moment(one.expires_at)}`}
            </p>
            <p class="actions">
              <Lift id={one.id} name={nameOf(one.target)} done={() => void load()} />
            </p>
          </li>
        ))}
      </ul>
      {page?.cursor === undefined ? null : (
        <button type="button" class="quiet" onClick={() => void load(page.cursor)}>
          More
        </button>
      )}
    </>
  );
}

function pathOf({ id }: Pending): string {
  return `/v1/revocations/pending/${encodeURIComponent(id)}`;
}

function Waits({ session, approved }: { session: Session; approved: () => void }): JSX.Element | null {
  const [items, setItems] = useState<readonly Pending[]>([]);
  const [problem, setProblem] = useState<Problem>();
  const load = async (): Promise<void> => {
    const answer = await get<Page<Pending>>("/v1/revocations/pending");
    if (answer.ok) setItems(answer.value.items);
    else setProblem(answer.problem);
  };
  useEffect(() => void load(), []);
  if (items.length === 0 && problem === undefined) return null;
  return (
    <section aria-label="Waiting for approval" class="waits">
      <h2>Waiting for a second person</h2>
      <ProblemNote problem={problem} />
      <ul class="cards">
        {items.map((one) => (
          <li key={one.id} class="card">
            <h3>{nameOf(one.target)}</h3>
            <p>{one.reason}</p>
            <p class="hint">
              asked for by {one.by}, {moment(one.at)}; gone {moment(one.expires_at)}
            </p>
            <p class="actions">
              <Act
                label="Approve …"
                look="danger"
                disabled={one.by === session.name}
                title={`Approve what ${one.by} asked for: ${nameOf(one.target)}`}
                consequence="It is revoked at once."
                confirm="Approve, and revoke"
                leave="Let it wait"
                act={(reason) => post(`${pathOf(one)}/approve`, { reason })}
                done={() => {
                  void load();
                  approved();
                }}
              />
              <Act
                label="Withdraw …"
                look="quiet"
                title={`Withdraw what ${one.by} asked for: ${nameOf(one.target)}`}
                consequence="Nothing is revoked, and nobody can approve it any more."
                confirm="Withdraw it"
                leave="Let it wait"
                act={(reason) => remove(pathOf(one), { reason })}
                done={() => void load()}
              />
            </p>
            {one.by === session.name ? <p class="hint">You asked for it: somebody else must approve.</p> : null}
          </li>
        ))}
      </ul>
    </section>
  );
}
