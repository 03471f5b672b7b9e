// Who visits the shop: a cookie that says nothing, and beside it on the server the tokens. They are lost when it ends.
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from "openid-client";

export interface Visit {
  /** While the person is at the identity service. */
  signingIn?: { readonly verifier: string; readonly state: string };
  tokens?: TokenEndpointResponse & Partial<TokenEndpointResponseHelpers>;
  isRefreshing: boolean;
  /** What the page says of the last thing done. */
  said?: string;
}

export interface Visits {
  of(incoming: IncomingMessage, response: ServerResponse): Visit;
  /** Under a new cookie: one that was planted before is of no use. */
  signIn(visit: Visit, response: ServerResponse, tokens: NonNullable<Visit["tokens"]>): void;
  signOut(visit: Visit): void;
}

const MOST_VISITS = 1_000;

/** `isSecure`: browsers send the cookie over https only. */
export function createVisits(isSecure: boolean): Visits {
  const secure = isSecure ? "; Secure" : "";
  const visits = new Map<string, Visit>();

  function keep(visit: Visit, response: ServerResponse): void {
    const id = randomBytes(24).toString("base64url");
    visits.set(id, visit);
    const [oldest] = visits.keys();
    if (visits.size > MOST_VISITS && oldest !== undefined) visits.delete(oldest);
    response.setHeader("set-cookie", `shop=${id}; Path=/; HttpOnly; SameSite=Lax${secure}`);
  }

  return {
    of(incoming, response) {
      const id = /(?:^|; )shop=([\w-]+)/.exec(incoming.headers.cookie ?? "")?.[1] ?? "";
      const known = visits.get(id);
      if (known !== undefined) return known;
      const visit: Visit = { isRefreshing: false };
      keep(visit, response);
      return visit;
    },
    signIn(visit, response, tokens) {
      for (const [id, known] of visits) if (known === visit) visits.delete(id);
      keep({ isRefreshing: false, tokens }, response);
    },
    signOut(visit) {
      delete visit.tokens;
      delete visit.said;
    },
  };
}
