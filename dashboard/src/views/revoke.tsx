// Revokes one target: what, why, what it would hit; and for what hits many, whether that is really meant.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post, type Problem } from "../api.ts";
import { several } from "../format.ts";
import { Choice, Text } from "../parts/field.tsx";
import { Note, ProblemNote, Waiting } from "../parts/note.tsx";
import { WouldHit } from "../parts/would-hit.tsx";
import { KINDS, type Acknowledged, type Kind, type Pending, type Session, type Target } from "../types.ts";
import { hasNoId, targetOf } from "./look-up.tsx";

/** Those that hit more than one person: the name has to be typed once more. */
const WIDE: ReadonlySet<Kind> = new Set(["tenant", "client", "key", "issuer", "everything"]);

type Outcome = Acknowledged | Pending;

export function RevokeView({ session, target }: { session: Session; target: Target | undefined }): JSX.Element {
  const [kind, setKind] = useState<Kind>(target?.kind ?? "user");
  const [issuer, setIssuer] = useState(target?.issuer ?? session.issuers[0]?.id ?? "");
  const [id, setId] = useState(target?.id ?? "");
  const meant = targetOf(kind, issuer, id.trim());
  const isNamed = hasNoId(kind) || meant.id !== "";
  return (
    <div class="column">
      <div class="row">
        <Choice label="Kind" value={kind} of={KINDS} change={setKind} />
        {kind === "everything" ? null : (
          <Choice label="Issuer" value={issuer} of={session.issuers.map((one) => one.id)} change={setIssuer} />
        )}
      </div>
      {hasNoId(kind) ? null : <Text label={ID_LABELS[kind] ?? "Id"} value={id} change={setId} required />}
      <WouldHit targets={isNamed ? [meant] : []} />
      <Asking key={JSON.stringify(meant)} target={meant} needsSecond={session.second_person.includes(kind)} />
    </div>
  );
}

interface AskingProps {
  readonly target: Target;
  readonly needsSecond: boolean;
}

/** Of one target: for another one it begins anew, key and confirmation included. */
function Asking({ target, needsSecond }: AskingProps): JSX.Element {
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [outcome, setOutcome] = useState<Outcome | "asking">();
  const [problem, setProblem] = useState<Problem>();
  const [key, setKey] = useState(() => crypto.randomUUID());
  const isWide = WIDE.has(target.kind);
  const isConfirmed = !isWide || typed.trim() === nameToType(target);
  const revoke = async (event: Event): Promise<void> => {
    event.preventDefault();
    setOutcome("asking");
    const body = { target, reason: reason.trim(), wait: "fleet" };
    const answer = await post<Outcome>("/v1/revocations", body, { "idempotency-key": key });
    setOutcome(answer.ok ? answer.value : undefined);
    setProblem(answer.ok ? undefined : answer.problem);
    if (answer.ok) setKey(crypto.randomUUID());
  };
  return (
    <form class="column" onSubmit={(event) => void revoke(event)}>
      <Text
        label="Reason"
        value={reason}
        change={setReason}
        required
        hint="Kept in the audit trail, for those who ask later."
      />
      {needsSecond ? (
        <Note kind="warn">Another admin must approve this. It waits for an hour, under Standing.</Note>
      ) : null}
      {isWide ? <Confirmation target={target} typed={typed} type={setTyped} /> : null}
      <p class="actions">
        <button type="submit" class="danger" disabled={!isConfirmed || outcome === "asking"}>
          {needsSecond ? "Ask for it" : "Revoke"}
        </button>
      </p>
      <ProblemNote problem={problem} />
      {outcome === "asking" ? <Waiting what="Revoking, and waiting for the fleet …" /> : null}
      {outcome === undefined || outcome === "asking" ? null : <Receipt outcome={outcome} />}
    </form>
  );
}

interface ConfirmationProps {
  readonly target: Target;
  readonly typed: string;
  readonly type: (text: string) => void;
}

function Confirmation({ target, typed, type }: ConfirmationProps): JSX.Element {
  const name = nameToType(target);
  return (
    <Text
      label={`Type ${name === "" ? "the id" : name} to confirm`}
      value={typed}
      change={type}
      required
      hint={WHOM_IT_HITS[target.kind] ?? ""}
    />
  );
}

const WHOM_IT_HITS: Readonly<Partial<Record<Kind, string>>> = {
  tenant: "Every user of the tenant has to log in again.",
  client: "Every user of the client has to log in again.",
  key: "Every token signed with the key is refused, until this is lifted.",
  issuer: "Every user of the issuer has to log in again.",
  everything: "Everybody has to log in again.",
};

const ID_LABELS: Readonly<Partial<Record<Kind, string>>> = {
  token: "Token id (jti)",
  session: "Session id (sid)",
  user: "User (sub)",
  tenant: "Tenant",
  client: "Client id",
  key: "Key id (kid)",
};

function nameToType({ kind, issuer, id }: Target): string {
  return kind === "everything" ? "everything" : (id ?? issuer ?? "");
}

function Receipt({ outcome }: { outcome: Outcome }): JSX.Element {
  if ("status" in outcome) {
    return <Note kind="warn">It waits for another admin's approval: nothing is revoked yet.</Note>;
  }
  const { fleet } = outcome.receipt;
  if (fleet === undefined || fleet.live === 0) {
    return <Note kind="done">Revoked: the store has it. Which sidecars heed it already is not known.</Note>;
  }
  return (
    <Note kind={fleet.pending.length === 0 ? "done" : "warn"}>
      Revoked. Applied on {fleet.applied} of {several(fleet.live, "sidecar")} in {fleet.ms} ms
      {fleet.pending.length === 0 ? "." : `; not known of ${fleet.pending.slice(0, 5).join(", ")}.`}
    </Note>
  );
}
