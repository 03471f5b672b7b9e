// A real PostgreSQL of a test's own, on a free port, in a directory of its own, ended by its pid. It refuses to run as
// root, so then it runs as the user that the distribution made for it.
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { freePorts } from "./ports.ts";
import { startProcess, type RunningProcess } from "./process.ts";
import { until } from "./wait.ts";

export interface PostgresProcess {
  /** As in the configuration's `record`. */
  readonly url: string;
  /** Stops it in its tracks (SIGSTOP): connections stay, nothing is answered. */
  pause(): void;
  resume(): void;
  /** Ends it at once (SIGQUIT), connections with it. */
  kill(): Promise<void>;
  /** Starts it again at the same place after `kill`, and waits until it answers. */
  restart(): Promise<void>;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  stop(): Promise<void>;
}

const DISTRIBUTION = "/usr/lib/postgresql";

/** The folder of its programs; undefined where it is not installed. */
function programs(): string | undefined {
  const versions = existsSync(DISTRIBUTION) ? readdirSync(DISTRIBUTION) : [];
  return versions.map((version) => join(DISTRIBUTION, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
}

export const HAS_POSTGRES: boolean = programs() !== undefined;

/** The command as the user `postgres` where this process is root. */
function asItsUser(command: string, args: readonly string[]): readonly [string, readonly string[]] {
  return process.getuid?.() === 0
    ? ["setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", command, ...args]]
    : [command, args];
}

export async function startPostgres(): Promise<PostgresProcess> {
  const bin = programs();
  if (bin === undefined) throw new Error("PostgreSQL is not installed");
  const directory = mkdtempSync(join(tmpdir(), "postgres-"));
  if (process.getuid?.() === 0) {
    const [uid, gid] = ["-u", "-g"].map((flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" })));
    chownSync(directory, uid ?? 0, gid ?? 0);
  }
  const data = join(directory, "data");
  const [initdb, initdbArgs] = asItsUser(join(bin, "initdb"), ["-D", data, "-U", "portcullis", "-A", "trust", "-N"]);
  execFileSync(initdb, initdbArgs, { stdio: "pipe" });
  const [port = 0] = await freePorts(1);
  const url = `postgres://portcullis@127.0.0.1:${port}/postgres`;
  const settings = ["-h", "127.0.0.1", "-p", String(port), "-k", directory, "-c", "shared_buffers=16MB"];
  const start = (): RunningProcess =>
    startProcess(...(asItsUser(join(bin, "postgres"), ["-D", data, ...settings]) as [string, string[]]));
  let server = start();

  const query = async (sql: string): Promise<readonly Record<string, unknown>[]> => {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on("error", () => undefined); // its end is what some tests are about
    try {
      await client.connect();
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const ready = (): Promise<unknown> =>
    until("PostgreSQL to answer", async () => {
      if (server.ended() !== undefined) throw new Error(server.output());
      return (await query("SELECT 1")).length === 1;
    });
  /** The server's own pid is that of all its children's group leader's child: they are paused one by one. */
  const family = (): readonly number[] => [server.pid, ...childrenOf(server.pid)];
  await ready();
  return {
    url,
    query,
    pause: () => family().forEach((pid) => process.kill(pid, "SIGSTOP")),
    resume: () => family().forEach((pid) => process.kill(pid, "SIGCONT")),
    async kill() {
      server.signal("SIGQUIT");
      await server.end();
    },
    async restart() {
      server = start();
      await ready();
    },
    async stop() {
      server.signal("SIGINT"); // ends connections and itself
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function childrenOf(pid: number): readonly number[] {
  const out = execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
  return out.trim().split(/\s+/).map(Number);
}
