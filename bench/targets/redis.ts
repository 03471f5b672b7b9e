// A redis-server of the run's own: unix socket, nothing on disk.
import { join } from "node:path";
import { isListening, until } from "../ports.ts";
import { CORE, type Processes, type Running } from "../processes.ts";

export interface RedisServer {
  readonly running: Running;
  readonly socket: string;
}

export async function startRedis(processes: Processes, workFolder: string, name: string): Promise<RedisServer> {
  const socket = join(workFolder, `${name}.sock`);
  const command = ["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"];
  const running = processes.start(name, CORE.others, [...command, "--dir", workFolder]);
  await until("redis-server", running, () => isListening({ path: socket }));
  return { running, socket };
}
