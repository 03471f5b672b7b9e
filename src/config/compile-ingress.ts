// Compiles the ingress block of a file that was found without fault.

import { resolve } from "node:path";
import { defaultIssuer, ms, must } from "./checked.ts";
import type { EndpointConfig, IngressConfig, TransmitterConfig } from "./ingress-config.ts";
import type { SecretSiblings } from "./secret-siblings.ts";
import type { WrittenEndpoint, WrittenFile, WrittenTransmitter } from "./written.ts";

/** `directory` is the file's, absolute. */
export function compileIngress(
  { ingress, issuers }: WrittenFile,
  directory: string,
  { ofLists }: SecretSiblings,
): IngressConfig {
  const ssf = ingress.ssf.map((transmitter, index) =>
    compileTransmitter(transmitter, directory, {
      issuer: defaultIssuer(issuers),
      bearerOf: (block) => must(ofLists.get(`ingress.ssf.${index}.${block}.bearerFile`)),
    }),
  );
  return { ...ingress, ssf };
}

interface Surroundings {
  /** That is meant where none is named. */
  readonly issuer: string | undefined;
  readonly bearerOf: (block: "poll" | "verification") => string;
}

function compileTransmitter(
  transmitter: WrittenTransmitter,
  directory: string,
  { bearerOf, issuer: unnamed }: Surroundings,
): TransmitterConfig {
  const { id, issuer, jwks, audiences, algorithms, clockSkew, revokes, poll, verification } = transmitter;
  const endpointOf = (endpoint: WrittenEndpoint, bearer: string): EndpointConfig => {
    const { url, allowHttp, bearerFile } = endpoint;
    return { url, allowHttp, bearerFile: resolve(directory, bearerFile), bearer };
  };
  return {
    id,
    issuer,
    jwks:
      jwks.url === undefined
        ? { kind: "file", path: resolve(directory, must(jwks.file)) }
        : { kind: "url", url: jwks.url, allowHttp: jwks.allowHttp },
    audiences,
    algorithms: [...new Set(algorithms)],
    clockSkewMs: ms(clockSkew),
    revokes: revokes ?? must(unnamed),
    poll: poll && { ...endpointOf(poll, bearerOf("poll")), longPoll: poll.longPoll, everyMs: ms(poll.every) },
    verification: verification && {
      ...endpointOf(verification, bearerOf("verification")),
      streamId: verification.streamId,
      everyMs: ms(verification.every),
    },
  };
}
