// Which hosts never leave this machine, so that plain http to them gives nothing away.

const LOOPBACK = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

/** `hostname` as a URL has it. Names below localhost are not: some resolvers ask the network for them. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}
