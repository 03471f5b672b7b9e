// How the commands speak with the control API: where it is, with which token, once more when it is unsure. The token
// never goes over plain HTTP to another machine unless that was asked for.

import { readFile } from "node:fs/promises";
import { resolve as resolvePath } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isLoopback } from "../core/loopback.ts";
import { err, ok, type Result } from "../core/result.ts";
import { exchange, type HttpAnswer, type HttpCall, type NoAnswer } from "./http-call.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { printable } from "./printable.ts";

/** What the command line says about it. */
export interface ControlFlags {
  readonly control?: string;
  /** Send the token over plain HTTP to another machine all the same. */
  readonly insecure?: boolean;
  readonly json?: boolean;
}

/** What went wrong, for people, and the exit code it means. */
export interface CommandFault {
  readonly exitCode: number;
  readonly message: string;
}

export interface ControlClient {
  /** The parsed JSON of a 2xx answer; undefined where it has no body. Tries a second time when unsure. */
  call(method: HttpCall["method"], path: string, content?: Content): Promise<Result<unknown, CommandFault>>;
}

interface Content {
  readonly body: object;
  /** The same for both attempts, so that trying twice does it once; none where the path sees to that. */
  readonly idempotencyKey?: string;
}

const DEFAULT_URL = "http://127.0.0.1:9003";
const RETRY_AFTER_MS = 300;

/** Where the control plane is, and the token for it. */
export interface ControlAccess {
  readonly base: URL;
  readonly token: string;
}

/** What flags and environment name; a token that would go in the clear to another machine is a usage error. */
export async function controlAccess(flags: ControlFlags, io: CommandIo): Promise<Result<ControlAccess, CommandFault>> {
  const url = httpUrl(flags.control ?? io.env["PORTCULLIS_CONTROL_URL"] ?? DEFAULT_URL);
  if (!url.ok) return usage(url.error);
  if (url.value.protocol === "http:" && !isLoopback(url.value.hostname)) {
    if (flags.insecure !== true) {
      return usage(
        `${url.value.origin} would get the token in the clear. Use https, or --insecure if the way there is safe.`,
      );
    }
    io.err(`warning: the token goes to ${url.value.origin} in the clear\n`);
  }
  const token = await tokenOf(io);
  return token.ok ? ok({ base: url.value, token: token.value }) : token;
}

/** A client for the control plane that flags and environment name. */
export async function controlClient(flags: ControlFlags, io: CommandIo): Promise<Result<ControlClient, CommandFault>> {
  const access = await controlAccess(flags, io);
  if (!access.ok) return access;
  const { base, token } = access.value;
  return ok({
    async call(method, path, content) {
      const answer = await twice(() => exchange(callOf(method, new URL(path, base), token, content)));
      return answer.ok ? read(answer.value) : failed(whyNoAnswer(answer.error, base));
    },
  });
}

/** `text` as the base of an HTTP API, or what is wrong with it. */
export function httpUrl(text: string): Result<URL, string> {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return err(`${printable(text)} is not an http or https URL`);
  }
  if (url.username !== "" || url.password !== "") return err("a URL with a password in it is not taken");
  url.search = "";
  url.hash = "";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return ok(url);
}

export function report(fault: CommandFault, io: CommandIo): number {
  io.err(`portcullis: ${fault.message}\n`);
  return fault.exitCode;
}

export function usage(message: string): { readonly ok: false; readonly error: CommandFault } {
  return err({ exitCode: EXIT.usage, message });
}

function failed(message: string): { readonly ok: false; readonly error: CommandFault } {
  return err({ exitCode: EXIT.failed, message });
}

/** Why a URL gave no answer, and what to try. */
export function whyNoAnswer({ code }: NoAnswer, url: URL): string {
  if (code === "ECONNREFUSED") {
    return `nothing listens at ${url.origin}. Is it running, and is this its address? (\`portcullis dev\` prints both)`;
  }
  if (code === "timeout") return `${url.origin} did not answer in time`;
  return `${url.origin} cannot be asked (${code})`;
}

async function tokenOf(io: CommandIo): Promise<Result<string, CommandFault>> {
  const file = io.env["PORTCULLIS_TOKEN_FILE"];
  let token = io.env["PORTCULLIS_TOKEN"]?.trim() ?? "";
  if (token === "" && file !== undefined && file !== "") {
    try {
      token = (await readFile(resolvePath(io.cwd, file), "utf8")).trim();
    } catch (error) {
      return usage(
        `PORTCULLIS_TOKEN_FILE cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}): ${file}`,
      );
    }
  }
  if (token === "") {
    return usage(
      "a token is needed in PORTCULLIS_TOKEN or the file named by PORTCULLIS_TOKEN_FILE (`portcullis dev` prints where its own is)",
    );
  }
  return /^[\x21-\x7e]+$/.test(token) ? ok(token) : usage("the token holds characters that no token has");
}

function callOf(method: HttpCall["method"], url: URL, token: string, content: Content | undefined): HttpCall {
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept: "application/json" };
  if (content === undefined) return { method, url, headers };
  headers["content-type"] = "application/json";
  if (content.idempotencyKey !== undefined) headers["idempotency-key"] = content.idempotencyKey;
  return { method, url, headers, body: JSON.stringify(content.body) };
}

/** Once more after a lost connection, a 503, or while the first attempt is still being worked on. */
async function twice(attempt: () => Promise<Result<HttpAnswer, NoAnswer>>): Promise<Result<HttpAnswer, NoAnswer>> {
  const first = await attempt();
  const unsure = !first.ok || first.value.status === 503 || problemOf(first.value).code === "request_in_progress";
  if (!unsure) return first;
  await delay(RETRY_AFTER_MS);
  return attempt();
}

function read(answer: HttpAnswer): Result<unknown, CommandFault> {
  const { status, body } = answer;
  if (status < 200 || status >= 300) return failed(explain(answer));
  if (body === "") return ok(undefined);
  const value = parse(body);
  return value === undefined ? failed("the answer is not JSON: is this the control plane's address?") : ok(value);
}

/** What an answer that is no success says, for people. */
export function explain(answer: HttpAnswer): string {
  const { title, detail } = problemOf(answer);
  if (typeof title !== "string")
    return `answered ${answer.status}, and not as a control plane does: is the address right?`;
  const more = typeof detail === "string" ? `: ${detail}` : "";
  return printable(`${title}${more} (${answer.status})`);
}

function problemOf(answer: HttpAnswer): {
  readonly code?: unknown;
  readonly title?: unknown;
  readonly detail?: unknown;
} {
  const value = parse(answer.body);
  return typeof value === "object" && value !== null ? value : {};
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
