// Our HPACK against nghttp2's, the one in node:http2: what either writes the other reads, and both agree on which
// blocks are damaged.
import { connect, createServer, type OutgoingHttpHeaders } from "node:http2";
import { duplexPair } from "node:stream";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HpackDecoder } from "../../src/ext-authz/wire/hpack-decoder.ts";
import { encodeHeaderBlock } from "../../src/ext-authz/wire/hpack-encoder.ts";
import { runs } from "../support/fuzz-time.ts";
import {
  CODE,
  FLAG,
  FRAME,
  frame,
  FrameAssembler,
  PREFACE,
  SETTING,
  settings,
  type Frame,
} from "../support/http2-frames.ts";

type Field = readonly [name: string, value: string];

const BASE: readonly Field[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "a"],
];

const token = fc.stringMatching(/^[a-z0-9-]{1,12}$/).filter((name) => !FORBIDDEN.has(name));
/** Names that HTTP/2 knows more about than HPACK does (RFC 9113 §8.2.2, and others that node:http2 reads itself). */
const FORBIDDEN = new Set(["connection", "keep-alive", "upgrade", "te", "host", "cookie", "content-length"]);
const name = fc.oneof(token, fc.constantFrom("x-a", "x-b", "grpc-timeout", "user-agent", "accept", "authorization"));
const visible = fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x7f);
const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("1", "trailers", "100m", "application/grpc", "") },
  { weight: 3, arbitrary: fc.array(visible, { maxLength: 40 }).map((codes) => String.fromCharCode(...codes)) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom("a", "~"), fc.integer({ min: 100, max: 6000 })).map(([c, n]) => c.repeat(n)),
  },
);
const field = fc.tuple(name, value);

interface Peer {
  readonly frames: Frame[];
  /** Resolves at the first frame for which `wanted` holds, of those that come after this call or came before. */
  first(wanted: (frame: Frame) => boolean): Promise<Frame>;
}

function readFrames(side: NodeJS.ReadableStream, skipBytes: number): Peer {
  const assembler = new FrameAssembler();
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  let left = skipBytes;
  side.on("data", (bytes: Buffer) => {
    const skipped = Math.min(left, bytes.length);
    left -= skipped;
    frames.push(...assembler.push(bytes.subarray(skipped)));
    for (const look of waiting) look();
  });
  return {
    frames,
    first(wanted) {
      return new Promise((resolve) => {
        const look = (): void => {
          const found = frames.find(wanted);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
  };
}

/** The header blocks that nghttp2 writes for these lists on one connection, its table being resized before each. */
async function writtenByNghttp2(
  lists: readonly { readonly fields: readonly Field[]; readonly tableBytes: number | undefined }[],
): Promise<readonly Buffer[]> {
  const [near, far] = duplexPair();
  const session = connect("http://a", { createConnection: () => near, maxDeflateDynamicTableSize: 65_536 });
  session.on("error", () => undefined);
  const peer = readFrames(far, PREFACE.length);
  far.write(settings([]));
  for (const [at, { fields, tableBytes }] of lists.entries()) {
    if (tableBytes !== undefined) {
      const acksBefore = peer.frames.filter(isSettingsAck).length;
      far.write(settings([[SETTING.headerTableSize, tableBytes]]));
      await peer.first(() => peer.frames.filter(isSettingsAck).length > acksBefore);
    }
    const headers: OutgoingHttpHeaders = Object.fromEntries([...BASE, ...fields]);
    const stream = session.request(headers);
    stream.on("error", () => undefined);
    const isLast = ({ streamId, flags, type }: Frame): boolean =>
      streamId === at * 2 + 1 &&
      (flags & FLAG.endHeaders) !== 0 &&
      (type === FRAME.headers || type === FRAME.continuation);
    await peer.first(isLast);
  }
  session.destroy();
  return lists.map((_, at) => Buffer.concat(blockPieces(peer.frames, at * 2 + 1)));
}

function isSettingsAck({ type, flags }: Frame): boolean {
  return type === FRAME.settings && (flags & FLAG.ack) !== 0;
}

function blockPieces(frames: readonly Frame[], streamId: number): Buffer[] {
  return frames
    .filter((one) => one.streamId === streamId && (one.type === FRAME.headers || one.type === FRAME.continuation))
    .map(({ payload, flags }) => ((flags & FLAG.priority) === 0 ? payload : payload.subarray(5)));
}

interface ReadByNghttp2 {
  /** How many blocks it took before it found a damaged one. */
  readonly goodCount: number;
  /** By number of the block, where it was a request that HTTP/2 allows. */
  readonly lists: ReadonlyMap<number, readonly Field[]>;
}

async function readByNghttp2(blocks: readonly Buffer[]): Promise<ReadByNghttp2> {
  const [near, far] = duplexPair();
  const server = createServer({ settings: { maxHeaderListSize: 1 << 20 }, maxHeaderListPairs: 10_000 });
  const lists = new Map<number, readonly Field[]>();
  server.on("sessionError", () => undefined);
  server.on("stream", (stream, _headers, _flags, raw: readonly string[]) => {
    stream.on("error", () => undefined);
    const fields = raw.flatMap((text, at): Field[] => (at % 2 === 0 ? [[text, raw[at + 1] ?? ""]] : []));
    lists.set(((stream.id ?? 1) - 1) / 2, fields);
  });
  const peer = readFrames(far, 0);
  server.emit("connection", near);
  far.write(Buffer.concat([PREFACE, settings([])]));
  let goodCount = 0;
  for (const [at, block] of blocks.entries()) {
    const ping = Buffer.alloc(8, at);
    far.write(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, at * 2 + 1, block));
    far.write(frame(FRAME.ping, 0, 0, ping));
    const answer = await peer.first(
      ({ type, payload }) => type === FRAME.goAway || (type === FRAME.ping && payload.equals(ping)),
    );
    if (answer.type === FRAME.goAway) {
      expect(answer.payload.readUInt32BE(4)).toBe(CODE.compressionError);
      break;
    }
    goodCount += 1;
  }
  near.destroy();
  far.destroy();
  return { goodCount, lists };
}

interface ReadByUs {
  readonly goodCount: number;
  readonly lists: readonly (readonly Field[])[];
}

function readByUs(blocks: readonly Buffer[], maxTableBytes: number): ReadByUs {
  const decoder = new HpackDecoder({ maxTableBytes, maxListBytes: 1 << 20 });
  const lists: (readonly Field[])[] = [];
  for (const block of blocks) {
    const fields: Field[] = [];
    if (decoder.decode(block, (fieldName, text) => fields.push([fieldName, text])) !== "ok") break;
    lists.push(fields);
  }
  return { goodCount: lists.length, lists };
}

const sorted = (fields: readonly Field[]): readonly string[] => fields.map((one) => one.join("\n")).toSorted();

test("what nghttp2 writes we read, whatever size its table is told to have", async () => {
  const list = fc.record({
    fields: fc.uniqueArray(field, { maxLength: 12, selector: ([fieldName]) => fieldName }),
    tableBytes: fc.option(fc.constantFrom(0, 60, 200, 4096, 65_536), { freq: 3, nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(list, { minLength: 1, maxLength: 12 }), async (lists) => {
      const { lists: read } = readByUs(await writtenByNghttp2(lists), 65_536);
      expect(read.map(sorted)).toEqual(lists.map(({ fields }) => sorted([...BASE, ...fields])));
    }),
    runs(150),
  );
});

test("what we write nghttp2 reads", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(field, { maxLength: 12 }), { minLength: 1, maxLength: 5 }), async (lists) => {
      const blocks = lists
        .map((fields) => encodeHeaderBlock([...BASE, ...fields]))
        .filter((block) => block.length < 16_384);
      const { goodCount, lists: read } = await readByNghttp2(blocks);
      expect(goodCount).toBe(blocks.length);
      expect([...read.values()]).toEqual(readByUs(blocks, 4096).lists);
    }),
    runs(150),
  );
});

/** RFC 7541 §5.1, with as many superfluous bytes as asked for. */
function integer(pattern: number, prefixBits: number, number: number, padBytes = 0): Buffer {
  const full = 2 ** prefixBits - 1;
  if (number < full && padBytes === 0) return Buffer.of(pattern | number);
  const bytes = [];
  for (let rest = Math.max(0, number - full); ; rest = Math.floor(rest / 128)) {
    bytes.push(rest % 128);
    if (rest < 128) break;
  }
  bytes.push(...Array.from({ length: padBytes }, () => 0));
  return Buffer.from([pattern | full, ...bytes.map((byte, at) => (at < bytes.length - 1 ? byte | 128 : byte))]);
}

function plain(text: string): Buffer {
  return Buffer.concat([integer(0, 7, text.length), Buffer.from(text, "latin1")]);
}

const index = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 70 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 100, 200, 2 ** 28, 2 ** 32 + 2) },
);
const text = fc.oneof(
  { weight: 8, arbitrary: value.map(plain) },
  // Huffman-coded: mostly nonsense that ends in the middle of something.
  {
    weight: 2,
    arbitrary: fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.concat([integer(0x80, 7, bytes.length), bytes])),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom("84ffffffff", "811f", "82f8ff", "8318c6ff", "81d9")
      .map((hex) => Buffer.from(hex, "hex")),
  },
);
const [indexedName, literalName] = [
  (pattern: number, bits: number) => index.map((number) => integer(pattern, bits, number)),
  (pattern: number) => name.map((word) => Buffer.concat([Buffer.of(pattern), plain(word)])),
];
const literal = (pattern: number, bits: number): fc.Arbitrary<Buffer> =>
  fc.tuple(fc.oneof(indexedName(pattern, bits), literalName(pattern)), text).map((parts) => Buffer.concat(parts));
const representation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(index, fc.constantFrom(0, 0, 0, 1, 6))
      .map(([number, pad]) => integer(0x80, 7, number, number < 127 ? 0 : pad)),
  },
  { weight: 8, arbitrary: literal(0x40, 6) },
  { weight: 2, arbitrary: literal(0x00, 4) },
  { weight: 2, arbitrary: literal(0x10, 4) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes)) },
);
const sizeUpdate = fc.constantFrom(0, 34, 100, 500, 4096, 4096, 4097).map((bytes) => integer(0x20, 5, bytes));
/** Cut short now and then. */
const block = fc
  .record({
    sizes: fc.oneof(
      { weight: 5, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(sizeUpdate, { maxLength: 2 }) },
    ),
    fields: fc.array(representation, { maxLength: 8 }),
    lost: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 10 }) }),
  })
  .map(({ sizes, fields, lost }) => {
    const whole = Buffer.concat([...sizes, encodeHeaderBlock(BASE), ...fields]);
    return whole.subarray(0, Math.max(1, whole.length - lost)).subarray(0, 16_384);
  });

/** What node:http2 hands on as it is: damaged values (RFC 9113 §8.2.1) and some hosts it drops, unlike HPACK itself. */
function isAllowed([fieldName, fieldText]: Field): boolean {
  if (fieldName === "host") return false;
  return (
    /^:?[!#$%&'*+.^_`|~0-9a-z-]+$/.test(fieldName) &&
    /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/.test(fieldText)
  );
}

describe("any bytes", () => {
  test("nghttp2 and we find the same blocks damaged, and read the others alike", async () => {
    const seen = { damaged: 0, alike: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 8 }), async (blocks) => {
        const theirs = await readByNghttp2(blocks);
        const ours = readByUs(blocks, 4096);
        expect(ours.goodCount).toBe(theirs.goodCount);
        for (const [at, list] of theirs.lists)
          expect(ours.lists[at]?.filter(isAllowed)).toEqual(list.filter(isAllowed));
        seen.damaged += theirs.goodCount < blocks.length ? 1 : 0;
        seen.alike += theirs.lists.size;
      }),
      runs(400),
    );
    expect(seen.damaged).toBeGreaterThan(50);
    expect(seen.alike).toBeGreaterThan(50);
  });

  test("never throw, and never hand out or keep more than the bounds", () => {
    const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    const limits = { maxTableBytes: 4096, maxListBytes: 500 };
    fc.assert(
      fc.property(fc.array(fc.oneof(noise, block), { maxLength: 6 }), (blocks) => {
        const decoder = new HpackDecoder(limits);
        for (const bytes of blocks) {
          let listBytes = 0;
          const outcome = decoder.decode(bytes, (fieldName, fieldText) => {
            listBytes += fieldName.length + fieldText.length + 32;
          });
          expect(listBytes).toBeLessThanOrEqual(limits.maxListBytes);
          if (outcome === "compression_error") return;
        }
      }),
      runs(5000),
    );
  });
});
