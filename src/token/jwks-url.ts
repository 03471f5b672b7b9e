// Decides from which URLs keys may be read, so that neither a network nor a document can put keys in our hands.

import { isLoopback } from "../core/loopback.ts";

/** Who named the URL: the operator in the configuration, or a discovery document found at `at`. */
export type UrlOrigin =
  | { readonly writtenBy: "configuration"; readonly allowHttp: boolean }
  | { readonly writtenBy: "document"; readonly at: URL };

/**
 * The URL if it may be read from: https; http where the configuration names a loopback host or sets `allowHttp`. A
 * document may name an http URL only on the very origin it was itself read from, and only on loopback: that reaches
 * nothing the operator has not named, and without it a local test issuer could not use discovery.
 */
export function trustedUrl(text: string, origin: UrlOrigin): URL | undefined {
  const url = URL.parse(text);
  if (url === null) return undefined;
  if (url.protocol === "https:") return url;
  if (url.protocol !== "http:") return undefined;
  const loopback = isLoopback(url.hostname);
  switch (origin.writtenBy) {
    case "configuration":
      return loopback || origin.allowHttp ? url : undefined;
    case "document":
      return loopback && url.origin === origin.at.origin ? url : undefined;
  }
}

/**
 * Where an issuer's metadata may be, in the order of trying: OpenID Connect Discovery §4.1 (path appended), then
 * RFC 8414 §3.1 (path inserted behind the host).
 */
export function metadataUrls(issuer: string): readonly string[] {
  const url = URL.parse(issuer);
  if (url === null) return [];
  const path = url.pathname.replace(/\/+$/, "");
  return [
    `${url.origin}${path}/.well-known/openid-configuration`,
    `${url.origin}/.well-known/oauth-authorization-server${path}`,
  ];
}
