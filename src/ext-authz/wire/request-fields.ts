// Holds the fields of a request, or of its trailers, to the rules of HTTP/2 (RFC 9113 §8.2, §8.3) and keeps the few that
// are read. It knows no gRPC, and never shows a value to anybody else.

/** §8.2.2 */
const CONNECTION_SPECIFIC = new Set(["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"]);

export class RequestFields {
  /** A stream error, PROTOCOL_ERROR (§8.1.1). */
  isMalformed: boolean;
  method: string | undefined;
  path: string | undefined;
  contentType: string | undefined;
  /** -1: not told. */
  contentLength: number;
  grpcTimeout: string | undefined;
  grpcEncoding: string | undefined;
  traceparent: string | undefined;
  tracestate: string | undefined;
  private scheme: string | undefined;
  private authority: string | undefined;
  private isPastPseudo: boolean;
  private isTrailers: boolean;

  constructor() {
    this.isMalformed = false;
    this.contentLength = -1;
    this.isPastPseudo = false;
    this.isTrailers = false;
  }

  /** Forgets everything; what follows are the fields of a request, or trailers. */
  begin(isTrailers: boolean): void {
    this.isMalformed = false;
    this.method = undefined;
    this.path = undefined;
    this.contentType = undefined;
    this.contentLength = -1;
    this.grpcTimeout = undefined;
    this.grpcEncoding = undefined;
    this.traceparent = undefined;
    this.tracestate = undefined;
    this.scheme = undefined;
    this.authority = undefined;
    this.isPastPseudo = false;
    this.isTrailers = isTrailers;
  }

  add(name: string, value: string): void {
    if (!isValue(value)) this.isMalformed = true;
    else if (name.startsWith(":")) this.addPseudo(name, value);
    else this.addRegular(name, value);
  }

  /** All fields have been added. */
  end(): void {
    const { method, path, scheme } = this;
    if (!this.isTrailers && !isTarget(method, scheme, path)) this.isMalformed = true;
  }

  /** §8.3: known ones, once each, before all others, and none in trailers (§8.1). */
  private addPseudo(name: string, value: string): void {
    if (this.isPastPseudo || this.isTrailers) this.isMalformed = true;
    switch (name) {
      case ":method":
        this.isMalformed ||= this.method !== undefined;
        this.method = value;
        return;
      case ":scheme":
        this.isMalformed ||= this.scheme !== undefined;
        this.scheme = value;
        return;
      case ":path":
        this.isMalformed ||= this.path !== undefined;
        this.path = value;
        return;
      case ":authority":
        this.isMalformed ||= this.authority !== undefined;
        this.authority = value;
        return;
      default:
        this.isMalformed = true;
    }
  }

  private addRegular(name: string, value: string): void {
    this.isPastPseudo = true;
    if (!isName(name) || CONNECTION_SPECIFIC.has(name)) this.isMalformed = true;
    else if (name === "te") this.isMalformed ||= value !== "trailers"; // §8.2.2
    else if (name === "content-length") this.addContentLength(value);
    else if (!this.isTrailers) this.keep(name, value);
  }

  /** Where a field comes twice, its values are a list (RFC 9110 §5.3), which none of these is but tracestate. */
  private keep(name: string, value: string): void {
    switch (name) {
      case "content-type":
        this.contentType = joined(this.contentType, value);
        return;
      case "grpc-timeout":
        this.grpcTimeout = joined(this.grpcTimeout, value);
        return;
      case "grpc-encoding":
        this.grpcEncoding = joined(this.grpcEncoding, value);
        return;
      case "traceparent":
        this.traceparent = joined(this.traceparent, value);
        return;
      case "tracestate":
        this.tracestate = joined(this.tracestate, value);
        return;
      default: // of no meaning here
    }
  }

  /** §8.1.1: the body's length must equal it, so there can be only one. */
  private addContentLength(value: string): void {
    const length = /^\d{1,15}$/.test(value) ? Number(value) : -1;
    if (length === -1 || (this.contentLength !== -1 && this.contentLength !== length)) this.isMalformed = true;
    this.contentLength = length;
  }
}

/** §8.3.1. CONNECT names neither scheme nor path (§8.5); a path is absolute, or the asterisk of OPTIONS. */
function isTarget(method: string | undefined, scheme: string | undefined, path: string | undefined): boolean {
  if (method === "CONNECT") return scheme === undefined && path === undefined;
  if (method === undefined || scheme === undefined || path === undefined) return false;
  return path.startsWith("/") || (method === "OPTIONS" && path === "*");
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before},${value}`;
}

/** §8.2.1: visible ASCII without upper case and colon. */
function isName(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f || code === 0x3a || (code >= 0x41 && code <= 0x5a)) return false;
  }
  return name.length > 0;
}

/** §8.2.1: no NUL, LF or CR, and no space or tab at either end. */
function isValue(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code === 0 || code === 0x0a || code === 0x0d) return false;
  }
  return !isSpace(value.charCodeAt(0)) && !isSpace(value.charCodeAt(value.length - 1));
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
