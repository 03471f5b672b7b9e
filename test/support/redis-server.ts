// A real redis-server of a test's own: on a free port or a unix socket, in a directory of its own, ended by its pid.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePorts } from "./ports.ts";
import { startProcess, type RunningProcess } from "./process.ts";
import { until } from "./wait.ts";

const run = promisify(execFile);

export interface RedisServerOptions {
  /** Further settings as on redis-server's command line: `["--maxmemory", "10mb"]`. */
  readonly args?: readonly string[];
  /** Listen on a unix socket alone; `port` is 0 then. */
  readonly socket?: boolean;
  /** The default user's. */
  readonly password?: string;
  /** A disk that takes no more is told by an error, as it is; `limitFiles` would end the process without this. */
  readonly survivesLimit?: boolean;
}

export interface RedisProcess {
  /** As in the configuration's `store.url`; the password, where there is one, is in it. */
  readonly url: string;
  readonly port: number;
  /** Of the server that runs now. */
  readonly pid: number;
  /** Where it keeps its files. */
  readonly directory: string;
  /** It was neither ended nor paused. */
  isAnswering(): boolean;
  /** Stops it in its tracks (SIGSTOP): connections stay, nothing is answered. */
  pause(): void;
  resume(): void;
  /** Ends it at once (SIGKILL); what it held in memory is lost. */
  kill(): Promise<void>;
  /** Its files grow no further than to so many bytes (EFBIG, as on a full disk ENOSPC); undefined: as they like. */
  limitFiles(bytes: number | undefined): Promise<void>;
  /** Starts it again at the same place after it ended. */
  restart(options?: { readonly waitUntilReady?: boolean }): Promise<void>;
  /** Ends it and removes its directory. */
  stop(): Promise<void>;
  /** What redis-cli prints for a command, as the default user of database 0. */
  cli(...args: readonly string[]): Promise<string>;
}

/** What redis-cli prints for a command; `place` are its own options. */
export async function redisCli(
  place: readonly string[],
  password: string | undefined,
  command: readonly string[],
): Promise<string> {
  const auth = password === undefined ? {} : { REDISCLI_AUTH: password };
  const { stdout } = await run("redis-cli", [...place, ...command], {
    env: { ...process.env, ...auth },
    timeout: 10_000,
  });
  return stdout.trimEnd();
}

/** Starts one and waits until it answers. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisProcess> {
  const directory = await mkdtemp(join(tmpdir(), "redis-"));
  const [freePort = 0] = options.socket === true ? [0] : await freePorts(1);
  const socket = join(directory, "redis.sock");
  const place = options.socket === true ? ["--unixsocket", socket] : ["--bind", "127.0.0.1"];
  const args = ["--port", String(freePort), ...place, "--dir", directory, "--save", "", "--appendonly", "no"];
  if (options.password !== undefined) args.push("--requirepass", options.password);
  args.push(...(options.args ?? []));
  let isPaused = false;
  const ignoring = options.survivesLimit === true ? ["sh", "-c", 'trap "" XFSZ; exec "$0" "$@"'] : [];
  const [program = "", ...programArgs] = [...ignoring, "redis-server", ...args];
  const start = (): RunningProcess => startProcess(program, programArgs);
  let server = start();

  const cliPlace = options.socket === true ? ["-s", socket] : ["-h", "127.0.0.1", "-p", String(freePort)];
  const cli = (...command: readonly string[]): Promise<string> => redisCli(cliPlace, options.password, command);
  const ready = (): Promise<true> =>
    until("redis-server to answer", async () => {
      if (server.ended() !== undefined) throw new Error(server.output());
      return (await cli("PING")) === "PONG" || undefined;
    });
  await ready();

  const credential = options.password === undefined ? "" : `:${encodeURIComponent(options.password)}@`;
  const url = options.socket === true ? `unix://${credential}${socket}` : `redis://${credential}127.0.0.1:${freePort}`;
  return {
    url,
    port: freePort,
    directory,
    get pid() {
      return server.pid;
    },
    isAnswering: () => server.ended() === undefined && !isPaused,
    pause() {
      isPaused = true;
      server.signal("SIGSTOP");
    },
    resume() {
      isPaused = false;
      server.signal("SIGCONT");
    },
    async kill() {
      server.signal("SIGKILL");
      await server.end();
    },
    async limitFiles(bytes) {
      const limit = bytes === undefined ? "unlimited" : `${bytes}:unlimited`;
      await run("prlimit", ["--pid", String(server.pid), `--fsize=${limit}`]);
    },
    async restart({ waitUntilReady = true } = {}) {
      server = start();
      if (waitUntilReady) await ready();
    },
    async stop() {
      server.signal("SIGCONT"); // a paused one would not hear SIGTERM
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
    cli,
  };
}
