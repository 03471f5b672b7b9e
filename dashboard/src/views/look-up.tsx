// Looks up whether somebody or something stands revoked. A pasted token is read here, and only its names are asked for.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, type Problem } from "../api.ts";
import { moment, nameOf } from "../format.ts";
import { Choice, Text } from "../parts/field.tsx";
import { Lift } from "../parts/lift.tsx";
import { Note, ProblemNote, Waiting } from "../parts/note.tsx";
import { readPastedToken, type PastedToken } from "../pasted-token.ts";
import { useNow } from "../poll.ts";
import { KINDS, type Checked, type Kind, type Session, type Target } from "../types.ts";

interface Found {
  readonly target: Target;
  readonly checked: Checked | undefined;
  readonly problem: Problem | undefined;
}

export interface LookUpProps {
  readonly session: Session;
  readonly revoke: (target: Target) => void;
}

export function LookUpView({ session, revoke }: LookUpProps): JSX.Element {
  const [text, setText] = useState("");
  const [kind, setKind] = useState<Kind>("user");
  const [issuer, setIssuer] = useState(session.issuers[0]?.id ?? "");
  const [found, setFound] = useState<readonly Found[] | "asking">();
  const pasted = readPastedToken(text, session.issuers);

  const search = async (): Promise<void> => {
    setFound("asking");
    const targets = pasted?.targets ?? [targetOf(kind, issuer, text.trim())];
    setFound(await Promise.all(targets.map(check)));
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void search();
  };
  return (
    <>
      <form class="row" onSubmit={submit}>
        {pasted === undefined ? <Choice label="Kind" value={kind} of={KINDS} change={setKind} /> : null}
        {pasted === undefined && session.issuers.length > 1 && kind !== "everything" ? (
          <Choice label="Issuer" value={issuer} of={session.issuers.map(({ id }) => id)} change={setIssuer} />
        ) : null}
        <Text
          label="Who or what"
          value={text}
          change={setText}
          required={!hasNoId(kind)}
          hint="An id, or a whole token: it is read in this browser, and only its names are sent."
        />
        <button type="submit">Look up</button>
      </form>
      {pasted === undefined ? null : <Pasted token={pasted} />}
      {found === "asking" ? <Waiting what="Asking the store …" /> : null}
      {found === undefined ? <Note kind="info">Nothing looked up yet.</Note> : null}
      {Array.isArray(found) ? (
        <ul class="cards">
          {(found as readonly Found[]).map((one) => (
            <Card key={nameOf(one.target)} found={one} revoke={revoke} again={() => void search()} />
          ))}
        </ul>
      ) : null}
    </>
  );
}

function Pasted({ token }: { token: PastedToken }): JSX.Element {
  const { issuer, issuerId, expiresAtS } = token;
  const now = useNow();
  const isOver = expiresAtS !== undefined && expiresAtS * 1_000 < now;
  return (
    <Note kind={issuerId === undefined ? "warn" : "info"}>
      A token of <code>{issuer === "" ? "no issuer" : issuer}</code>
      {issuerId === undefined ? ", which is not configured here" : ""}
      {expiresAtS === undefined ? "" : `, ${isOver ? "expired" : "good until"} ${moment(expiresAtS * 1_000)}`}. Its
      signature is not verified here.
    </Note>
  );
}

interface CardProps {
  readonly found: Found;
  readonly revoke: (target: Target) => void;
  readonly again: () => void;
}

function Card({ found: { target, checked, problem }, revoke, again }: CardProps): JSX.Element {
  return (
    <li class="card">
      <h2>
        {target.kind} <span class="code">{target.id ?? target.issuer ?? ""}</span>
      </h2>
      <ProblemNote problem={problem} />
      {checked === undefined ? null : (
        <>
          <p>
            <span class={checked.revoked ? "state broken" : "state good"}>
              {checked.revoked ? "revoked" : "not revoked"}
            </span>
          </p>
          {checked.revoked ? <Standing checked={checked} /> : null}
          <p class="actions">
            <button type="button" onClick={() => revoke(target)}>
              {checked.revoked ? "Revoke again …" : "Revoke …"}
            </button>
            {checked.id === undefined ? null : <Lift id={checked.id} name={nameOf(target)} done={again} />}
          </p>
        </>
      )}
    </li>
  );
}

function Standing({ checked: { since, by, reason, issued_before: issuedBefore } }: { checked: Checked }): JSX.Element {
  return (
    <dl class="facts">
      <dt>Since</dt>
      <dd>{since === undefined ? "not known" : moment(since)}</dd>
      <dt>By</dt>
      <dd>{by ?? "another program"}</dd>
      <dt>Reason</dt>
      <dd>{reason ?? "none given"}</dd>
      {issuedBefore === undefined ? null : (
        <>
          <dt>Tokens issued before</dt>
          <dd>{moment(issuedBefore * 1_000)}</dd>
        </>
      )}
    </dl>
  );
}

export function hasNoId(kind: Kind): boolean {
  return kind === "everything" || kind === "issuer";
}

export function targetOf(kind: Kind, issuer: string, id: string): Target {
  return {
    kind,
    ...(kind === "everything" ? {} : { issuer }),
    ...(hasNoId(kind) ? {} : { id }),
  };
}

async function check(target: Target): Promise<Found> {
  const query = new URLSearchParams(Object.entries(target) as [string, string][]);
  const answer = await get<Checked>(`/v1/check?${query.toString()}`);
  return answer.ok
    ? { target, checked: answer.value, problem: undefined }
    : { target, checked: undefined, problem: answer.problem };
}
