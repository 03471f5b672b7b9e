// Signing in: at the provider, or with a pasted token where that is allowed.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post, type Problem } from "../api.ts";
import { Text } from "../parts/field.tsx";
import { Gate } from "../parts/gate.tsx";
import { Note, ProblemNote } from "../parts/note.tsx";
import { useRoute } from "../route.ts";
import type { Session, SignedOut } from "../types.ts";

const FAULTS: Readonly<Record<string, string>> = {
  provider_unavailable: "The sign-in provider cannot be reached, or does not answer as it should.",
  refused: "The sign-in was refused or took too long. Try again.",
  token_not_taken:
    "The provider signed you in, but its access token is not good here: its issuer or audience is another.",
  store_unavailable: "The provider signed you in, but it cannot be told now whether your token is revoked.",
  no_scope: "You are signed in, but may do nothing here: ask for one of the portcullis scopes.",
};

export interface SignInProps {
  readonly ways: SignedOut;
  readonly wasSignedIn: boolean;
  /** Why a sign-out did not reach beyond this browser. */
  readonly notEnded: Problem | undefined;
  readonly signedIn: (session: Session) => void;
}

export function SignInView({ ways, wasSignedIn, notEnded, signedIn }: SignInProps): JSX.Element {
  const [, fault = ""] = /^sign-in\/(\w+)$/.exec(useRoute()) ?? [];
  return (
    <main class="alone">
      <h1>
        <Gate /> Portcullis
      </h1>
      <p>Revoke tokens, and see it arrive.</p>
      {wasSignedIn ? <Note kind="warn">Your session is over: its token expired or was revoked.</Note> : null}
      <ProblemNote problem={notEnded} />
      {FAULTS[fault] === undefined ? null : <Note kind="warn">{FAULTS[fault]}</Note>}
      {ways.by_provider ? (
        <a class="button" href="/dashboard/sign-in">
          Sign in
        </a>
      ) : null}
      {ways.by_token ? <WithToken signedIn={signedIn} /> : null}
      {ways.by_provider || ways.by_token ? null : <Note kind="warn">No way to sign in is configured.</Note>}
    </main>
  );
}

function WithToken({ signedIn }: { signedIn: (session: Session) => void }): JSX.Element {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const answer = await post<Session>("/dashboard/session", { token });
    if (answer.ok) signedIn(answer.value);
    else setProblem(answer.problem);
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Text
        label="Token"
        type="password"
        value={token}
        change={setToken}
        required
        autofocus
        hint="A token of the control API. `portcullis dev` prints the file it is in."
      />
      <button type="submit">Sign in with this token</button>
      <ProblemNote problem={problem} />
    </form>
  );
}
