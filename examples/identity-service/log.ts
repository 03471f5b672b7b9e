// The service's log: a JSON line for each thing an operator may have to know. Never a token, a password or a secret.

export type Log = (event: string, fields?: Readonly<Record<string, unknown>>) => void;

export function jsonLog(write: (line: string) => void): Log {
  return (event, fields) => write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
}
