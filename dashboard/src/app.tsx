// Who is here, and what is shown: the sign-in, or the views with what is above all of them.

import type { JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { actAs, get, remove, type Problem } from "./api.ts";
import { remember } from "./history.ts";
import { Gate } from "./parts/gate.tsx";
import { ProblemNote, Waiting } from "./parts/note.tsx";
import { StatusBand } from "./parts/status-band.tsx";
import { usePolled } from "./poll.ts";
import { goTo, useRoute } from "./route.ts";
import { chooseTheme, chosenTheme, type Theme } from "./theme.ts";
import type { Session, SignedOut, Summary, Target } from "./types.ts";
import { AuditView } from "./views/audit.tsx";
import { EventsView } from "./views/events.tsx";
import { ExplainView } from "./views/explain.tsx";
import { LiveView } from "./views/live.tsx";
import { LookUpView } from "./views/look-up.tsx";
import { ManyView } from "./views/many.tsx";
import { RevokeView } from "./views/revoke.tsx";
import { SignInView } from "./views/sign-in.tsx";
import { StandingView } from "./views/standing.tsx";

const SUMMARY_EVERY_MS = 1_000;
const SESSION_RETRY_MS = 2_000;

export function App(): JSX.Element {
  const [session, setSession] = useState<Session | SignedOut>();
  const [problem, setProblem] = useState<Problem>();
  const [ended, setEnded] = useState(false);
  const [notEnded, setNotEnded] = useState<Problem>();
  const ask = useCallback(async () => {
    const answer = await get<Session | SignedOut>("/dashboard/session");
    if (answer.ok) setSession(answer.value);
    setProblem(answer.ok ? undefined : answer.problem);
  }, []);
  useEffect(() => void ask(), []);
  useEffect(() => {
    if (problem === undefined) return;
    const timer = setTimeout(() => void ask(), SESSION_RETRY_MS);
    return () => clearTimeout(timer);
  }, [problem]);

  if (session === undefined) {
    return (
      <main class="alone">
        <Waiting what="Asking the control plane who you are …" />
        <ProblemNote problem={problem} />
      </main>
    );
  }
  const over = (): void => {
    setEnded(true);
    void ask();
  };
  const signedOut = (unfinished: Problem | undefined): void => {
    setEnded(false);
    setNotEnded(unfinished);
    void ask();
  };
  if (!session.signed_in)
    return <SignInView ways={session} wasSignedIn={ended} notEnded={notEnded} signedIn={setSession} />;
  actAs(session.csrf, over);
  return <Rooms session={session} signedOut={signedOut} />;
}

const VIEWS = {
  live: "Live",
  "look-up": "Look up",
  revoke: "Revoke",
  many: "Revoke many",
  standing: "Standing",
  audit: "Audit",
  events: "Events",
  explain: "Explain",
} as const;
type ViewName = keyof typeof VIEWS;

function Rooms({
  session,
  signedOut,
}: {
  session: Session;
  signedOut: (unfinished: Problem | undefined) => void;
}): JSX.Element {
  const route = useRoute();
  const view = (Object.keys(VIEWS) as ViewName[]).find((name) => name === route) ?? "live";
  const [target, setTarget] = useState<Target>();
  const summary = usePolled<Summary>("/v1/fleet/summary", SUMMARY_EVERY_MS, remember);
  const revoke = (meant: Target): void => {
    setTarget(meant);
    goTo("revoke");
  };
  useEffect(() => {
    document.title = `${VIEWS[view]} · Portcullis`;
    document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
    document.querySelector("nav a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [view]);
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={skipTo}>
        Skip to content
      </a>
      <header class="top">
        <span class="name">
          <Gate /> Portcullis
        </span>
        <nav aria-label="Views">
          {(Object.keys(VIEWS) as ViewName[]).map((name) => (
            <a key={name} href={`#/${name}`} {...(name === view ? { "aria-current": "page" as const } : {})}>
              {VIEWS[name]}
            </a>
          ))}
        </nav>
        <Person session={session} signedOut={signedOut} />
      </header>
      <StatusBand summary={summary} />
      <main id="content" tabIndex={-1}>
        <h1 tabIndex={-1}>{VIEWS[view]}</h1>
        <View name={view} {...{ session, summary, target, revoke }} />
      </main>
    </div>
  );
}

function skipTo(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#content")?.focus();
}

interface ViewProps {
  readonly name: ViewName;
  readonly session: Session;
  readonly summary: ReturnType<typeof usePolled<Summary>>;
  readonly target: Target | undefined;
  readonly revoke: (target: Target) => void;
}

function View({ name, session, summary, target, revoke }: ViewProps): JSX.Element {
  switch (name) {
    case "live":
      return <LiveView summary={summary} />;
    case "look-up":
      return <LookUpView session={session} revoke={revoke} />;
    case "revoke":
      return <RevokeView session={session} target={target} />;
    case "many":
      return <ManyView session={session} />;
    case "standing":
      return <StandingView session={session} />;
    case "audit":
      return <AuditView />;
    case "events":
      return <EventsView />;
    case "explain":
      return <ExplainView />;
  }
}

const THEMES: readonly Theme[] = ["system", "light", "dark"];

function Person({
  session,
  signedOut,
}: {
  session: Session;
  signedOut: (unfinished: Problem | undefined) => void;
}): JSX.Element {
  const [theme, setTheme] = useState(chosenTheme());
  const signOut = async (): Promise<void> => {
    const answer = await remove("/dashboard/session");
    signedOut(answer.ok ? undefined : answer.problem);
  };
  return (
    <div class="person">
      <span class="who" title={session.scopes.join(" ")}>
        {decodeURIComponent(session.name)}
      </span>
      <label class="theme">
        <span class="unseen">Colours</span>
        <select
          value={theme}
          onChange={(event) => {
            const chosen = event.currentTarget.value as Theme;
            chooseTheme(chosen);
            setTheme(chosen);
          }}
        >
          {THEMES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <button type="button" class="quiet" onClick={() => void signOut()}>
        Sign out
      </button>
    </div>
  );
}
