// Calls the control plane as the person who is signed in. The cookie is the browser's business; what proves that a write
// comes from this page is sent in a header.

/** What went wrong, for people. */
export interface Problem {
  /** Of the API's closed list; `unreachable` where nobody answered. */
  readonly code: string;
  readonly status: number;
  readonly text: string;
}

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

const CSRF_HEADER = "x-portcullis-csrf";
const TIMEOUT_MS = 15_000;

let csrf = "";
let signedOut: () => void = () => undefined;

/** `csrf`: of the session; `onSignedOut` is told when a call finds that it is over. */
export function actAs(token: string, onSignedOut: () => void): void {
  csrf = token;
  signedOut = onSignedOut;
}

export async function get<T>(path: string): Promise<Answer<T>> {
  return answerOf<T>(await send("GET", path, undefined));
}

export async function post<T>(
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer<T>> {
  return answerOf<T>(await send("POST", path, body === undefined ? undefined : JSON.stringify(body), headers));
}

export async function remove(path: string, body?: unknown): Promise<Answer<undefined>> {
  return answerOf<undefined>(await send("DELETE", path, body === undefined ? undefined : JSON.stringify(body)));
}

/** The answer itself, its body unread, for what comes line by line. */
export function send(
  method: string,
  path: string,
  body: string | undefined,
  headers: Readonly<Record<string, string>> = {},
  timeoutMs: number = TIMEOUT_MS,
): Promise<Response | undefined> {
  return fetch(path, {
    method,
    headers: {
      ...(method === "GET" ? {} : { [CSRF_HEADER]: csrf }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(timeoutMs),
  }).catch(() => undefined);
}

export async function answerOf<T>(response: Response | undefined): Promise<Answer<T>> {
  if (response === undefined) return failed("unreachable", 0, "The control plane does not answer.");
  const value: unknown = await response.json().catch(() => undefined);
  if (response.ok) return { ok: true, value: value as T };
  if (response.status === 401) signedOut();
  const { code = "unknown", title = "", detail = "" } = (value ?? {}) as Readonly<Record<string, string>>;
  return failed(code, response.status, [title, detail].filter(Boolean).join(". ") || `HTTP ${response.status}`);
}

function failed(code: string, status: number, text: string): Answer<never> {
  return { ok: false, problem: { code, status, text } };
}
