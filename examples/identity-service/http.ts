// What a request says of who sends it: its device, and whether a page of ours sent the form. Believes about a device only
// the connection itself, our own proxy, or a client that has shown its secret.
import type { IncomingMessage } from "node:http";
import { errors, type Client, type KoaContextWithOIDC } from "oidc-provider";
import { deviceContext, type DeviceContext } from "./device.ts";

/** The parts of a request that Koa has worked out. */
export interface PageRequest {
  readonly ip: string;
  get(header: string): string;
}

/** Of whom the request comes from directly: a browser on one of our pages. `countryHeader` is written by our own proxy. */
export function contextOfPage(ctx: PageRequest, countryHeader: string | undefined): DeviceContext {
  const country = countryHeader === undefined ? "" : ctx.get(countryHeader);
  return deviceContext(ctx.get("user-agent"), ctx.ip, country);
}

/**
 * What a client tells of the browser it acts for, when it was registered to (`device_context: told`); undefined: it was not,
 * and its own address says nothing about the person. One that was and does not is refused.
 */
export function contextToldByClient(ctx: KoaContextWithOIDC, client: Client): DeviceContext | undefined {
  if (client["device_context"] !== "told") return undefined;
  const [userAgent, address] = [ctx.get("x-device-user-agent"), ctx.get("x-device-address")];
  if (address === "") throw new errors.InvalidRequest("x-device-address is missing");
  return deviceContext(userAgent, address, ctx.get("x-device-country"));
}

/** Whether a page of `origin` sent this form. No other site's page can, whatever cookies go along. */
export function isSentByOurPage(ctx: PageRequest, origin: string): boolean {
  const site = ctx.get("sec-fetch-site");
  return ctx.get("origin") === origin && (site === "" || site === "same-origin");
}

const LONGEST_FORM_BYTES = 8_192;

/** Undefined: it is too long, or no form. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  if (!/^application\/x-www-form-urlencoded\b/.test(request.headers["content-type"] ?? "")) return undefined;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_FORM_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
}
