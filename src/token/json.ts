// Reads one JSON object strictly (RFC 8259, I-JSON RFC 7493): what two parsers could read differently is refused,
// never repaired.

import { err, ok, type Result } from "../core/result.ts";

/** A null-prototype object: `__proto__` and `constructor` are names like any other. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Of a value that parseJsonObject has read. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `number_range`: well-formed, but a number is beyond what a double can hold. */
export type JsonFault = "malformed" | "number_range";

/** The outermost object is depth 1. Access tokens need 3; deeper input only costs stack. */
const MAX_DEPTH = 16;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;

/**
 * Parses `text`, which must have been decoded from valid UTF-8. Refused beside bad syntax: a BOM, a member name twice
 * in one object (compared after escapes are decoded), lone surrogates, more than 16 levels, a top level that is no
 * object. Numbers come back as doubles.
 */
export function parseJsonObject(text: string): Result<JsonObject, JsonFault> {
  const reader = new Reader(text);
  const value = reader.readDocument();
  return reader.fault === undefined ? ok(value) : err(reader.fault);
}

/** After a fault `fault` is set, every read returns at once and its value means nothing. */
class Reader {
  fault: JsonFault | undefined = undefined;
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readDocument(): JsonObject {
    this.#skipSpace();
    const document = this.#peek() === OPEN_BRACE ? this.#readObject(1) : this.#fail({});
    this.#skipSpace();
    if (this.#at !== this.#text.length) this.#fail(undefined);
    return document;
  }

  #readObject(depth: number): JsonObject {
    const members = Object.create(null) as Record<string, unknown>;
    this.#at += 1;
    if (this.#takeAfterSpace(CLOSE_BRACE)) return members;
    do {
      this.#skipSpace();
      if (this.#peek() !== QUOTE) return this.#fail(members);
      const name = this.#readString();
      if (name in members || !this.#takeAfterSpace(COLON)) return this.#fail(members);
      members[name] = this.#readValue(depth);
      if (this.fault !== undefined) return members;
    } while (this.#takeAfterSpace(COMMA));
    return this.#takeAfterSpace(CLOSE_BRACE) ? members : this.#fail(members);
  }

  #readArray(depth: number): readonly unknown[] {
    const elements: unknown[] = [];
    this.#at += 1;
    if (this.#takeAfterSpace(CLOSE_BRACKET)) return elements;
    do {
      elements.push(this.#readValue(depth));
      if (this.fault !== undefined) return elements;
    } while (this.#takeAfterSpace(COMMA));
    return this.#takeAfterSpace(CLOSE_BRACKET) ? elements : this.#fail(elements);
  }

  /** `depth` is that of the object or array the value stands in. */
  #readValue(depth: number): unknown {
    this.#skipSpace();
    switch (this.#peek()) {
      case QUOTE:
        return this.#readString();
      case OPEN_BRACE:
        return depth < MAX_DEPTH ? this.#readObject(depth + 1) : this.#fail(undefined);
      case OPEN_BRACKET:
        return depth < MAX_DEPTH ? this.#readArray(depth + 1) : this.#fail(undefined);
      case 0x74:
        return this.#readWord("true", true);
      case 0x66:
        return this.#readWord("false", false);
      case 0x6e:
        return this.#readWord("null", null);
      default:
        return this.#readNumber();
    }
  }

  #readString(): string {
    const start = this.#at + 1;
    let escaped = false;
    for (let at = start; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return escaped ? this.#unescape(start, at) : this.#text.slice(start, at);
      }
      if (code < FIRST_PRINTABLE) return this.#fail("");
      if (code === BACKSLASH) {
        escaped = true;
        at += 1;
      }
    }
    return this.#fail("");
  }

  #unescape(start: number, end: number): string {
    try {
      const value = JSON.parse(this.#text.slice(start - 1, end + 1)) as string;
      return value.isWellFormed() ? value : this.#fail("");
    } catch {
      return this.#fail("");
    }
  }

  #readNumber(): number {
    NUMBER.lastIndex = this.#at;
    if (!NUMBER.test(this.#text)) return this.#fail(0);
    const value = Number(this.#text.slice(this.#at, NUMBER.lastIndex));
    this.#at = NUMBER.lastIndex;
    if (!Number.isFinite(value)) this.fault ??= "number_range";
    return value;
  }

  #readWord<V>(word: string, value: V): V {
    if (!this.#text.startsWith(word, this.#at)) return this.#fail(value);
    this.#at += word.length;
    return value;
  }

  #takeAfterSpace(code: number): boolean {
    this.#skipSpace();
    if (this.#peek() !== code) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#peek();
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  /** NaN at the end. */
  #peek(): number {
    return this.#text.charCodeAt(this.#at);
  }

  #fail<V>(value: V): V {
    this.fault ??= "malformed";
    return value;
  }
}
