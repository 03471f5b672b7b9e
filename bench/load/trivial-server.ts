// The cheapest server that still answers: it allows every Check with the same bytes and reads nothing of them. It exists
// to show how fast the loader is, so that no server is limited by it.
import { createServer } from "node:net";
import { FLAG, FRAME, frame, FRAME_HEADER_BYTES, INITIAL_WINDOW_BYTES, windowUpdate } from "./frames.ts";
import { encodeBlocks } from "./hpack.ts";

const PREFACE_BYTES = 24;
const WINDOW_RETURN_BYTES = INITIAL_WINDOW_BYTES >> 1;

const headers = encodeBlocks([
  { name: ":status", value: "200", as: "indexed" },
  { name: "content-type", value: "application/grpc", as: "literal" },
]).first;
const trailers = encodeBlocks([{ name: "grpc-status", value: "0", as: "literal" }]).first;
/** A gRPC message of a CheckResponse with an empty ok_response. */
const allow = Buffer.from([0, 0, 0, 0, 2, 0x1a, 0]);
const answer = Buffer.concat([
  frame(FRAME.headers, FLAG.endHeaders, 0, headers),
  frame(FRAME.data, 0, 0, allow),
  frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 0, trailers),
]);
const STREAM_ID_AT = [
  5,
  FRAME_HEADER_BYTES + headers.length + 5,
  answer.length - FRAME_HEADER_BYTES - trailers.length + 5,
];

createServer({ noDelay: true }, (socket) => {
  let held = Buffer.alloc(0);
  let isOpen = false;
  let takenBytes = 0;
  socket.on("error", () => socket.destroy());
  socket.write(frame(FRAME.settings, 0, 0, Buffer.alloc(0)));
  socket.on("data", (chunk) => {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const out: Buffer[] = [];
    let at = isOpen ? 0 : PREFACE_BYTES;
    isOpen ||= bytes.length >= PREFACE_BYTES;
    while (at + FRAME_HEADER_BYTES <= bytes.length) {
      const length = bytes.readUIntBE(at, 3);
      if (at + FRAME_HEADER_BYTES + length > bytes.length) break;
      if (bytes[at + 3] === FRAME.data) {
        takenBytes += length;
        const copy = Buffer.from(answer);
        for (const streamIdAt of STREAM_ID_AT) bytes.copy(copy, streamIdAt, at + 5, at + FRAME_HEADER_BYTES);
        out.push(copy);
      }
      at += FRAME_HEADER_BYTES + length;
    }
    held = Buffer.from(isOpen ? bytes.subarray(at) : bytes);
    if (takenBytes > WINDOW_RETURN_BYTES) {
      out.push(windowUpdate(0, takenBytes));
      takenBytes = 0;
    }
    if (out.length > 0) socket.write(Buffer.concat(out));
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
