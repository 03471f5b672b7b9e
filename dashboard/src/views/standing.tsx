// What stands revoked, and what waits for a second person.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, post, remove, type Problem } from "../api.ts";
import { moment, nameOf } from "../format.ts";
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

function Waits({ session, approved }: { session: Session; approved: () => void }): JSX.Element | null {
  const [items, setItems] = useState<readonly Pending[]>([]);
  const [problem, setProblem] = useState<Problem>();
  const load = async (): Promise<void> => {
    const answer = await get<Page<Pending>>("/v1/revocations/pending");
    if (answer.ok) setItems(answer.value.items);
    else setProblem(answer.problem);
  };
  useEffect(() => void load(), []);
  const decide = async (one: Pending, approves: boolean): Promise<void> => {
    const path = `/v1/revocations/pending/${encodeURIComponent(one.id)}`;
    const answer = approves ? await post(`${path}/approve`, undefined) : await remove(path);
    setProblem(answer.ok ? undefined : answer.problem);
    await load();
    if (approves && answer.ok) approved();
  };
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
              <button
                type="button"
                class="danger"
                disabled={one.by === session.name}
                onClick={() => void decide(one, true)}
              >
                Approve, and revoke
              </button>
              <button type="button" class="quiet" onClick={() => void decide(one, false)}>
                Withdraw
              </button>
            </p>
            {one.by === session.name ? <p class="hint">You asked for it: somebody else must approve.</p> : null}
          </li>
        ))}
      </ul>
    </section>
  );
}
