// Decodes the Huffman code of HPACK (RFC 7541 §5.2, Appendix B), half a byte at a time. It never writes beyond the
// buffer it is given, and never lets a string pass that an encoder following the RFC could not have written.

/** Bits of the code of each byte value, 0 to 255, then of the end-of-string symbol. The code is canonical: these are all. */
const CODE_LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
] as const;
const END_OF_STRING = 256;
const LONGEST_BITS = 30;
/** RFC 7541 §5.2: more padding than this is an error. */
const MAX_PADDING_BITS = 7;

/** A node of the code's tree: each branch leads on to a node or to a symbol. */
interface Node {
  /** Its place among all nodes: the state of the decoder that has come this far. */
  readonly state: number;
  readonly branches: [Node | number | undefined, Node | number | undefined];
}

/** The tree, nodes in the order of their states; the first is the root. */
function codeTree(): readonly Node[] {
  const nodes: Node[] = [{ state: 0, branches: [undefined, undefined] }];
  let code = 0;
  for (let bits = 1; bits <= LONGEST_BITS; bits += 1) {
    code *= 2;
    for (const [symbol, length] of CODE_LENGTHS.entries()) {
      if (length !== bits) continue;
      plant(nodes, symbol, code, bits);
      code += 1;
    }
  }
  return nodes;
}

function plant(nodes: Node[], symbol: number, code: number, bits: number): void {
  let node = nodes[0] as Node;
  for (let shift = bits - 1; shift > 0; shift -= 1) {
    const branch = bitOf(code, shift);
    let next = node.branches[branch];
    if (next === undefined) {
      next = { state: nodes.length, branches: [undefined, undefined] };
      nodes.push(next);
      node.branches[branch] = next;
    }
    node = next as Node;
  }
  node.branches[bitOf(code, 0)] = symbol;
}

function bitOf(code: number, shift: number): 0 | 1 {
  return ((code >>> shift) & 1) as 0 | 1;
}

// A transition: the next state, the symbol if one was completed (at most one, for the shortest code has 5 bits), flags.
const SYMBOL_SHIFT = 8;
const HAS_SYMBOL = 1 << 16;
const IS_ERROR = 1 << 17;

/** By state × 16 + the next four bits. */
function transitionsOf(nodes: readonly Node[]): Int32Array {
  const table = new Int32Array(nodes.length * 16);
  for (const start of nodes) {
    for (let nibble = 0; nibble < 16; nibble += 1) table[start.state * 16 + nibble] = transition(nodes, start, nibble);
  }
  return table;
}

function transition(nodes: readonly Node[], start: Node, nibble: number): number {
  let node = start;
  let completed = 0;
  for (let shift = 3; shift >= 0; shift -= 1) {
    const next = node.branches[bitOf(nibble, shift)];
    if (next === END_OF_STRING || next === undefined) return IS_ERROR;
    if (typeof next === "number") completed = HAS_SYMBOL | (next << SYMBOL_SHIFT);
    node = typeof next === "number" ? (nodes[0] as Node) : next;
  }
  return completed | node.state;
}

/** By state: 1 where a string may end, that is, up to 7 bits into the end-of-string symbol, which is all ones. */
function endsOf(nodes: readonly Node[]): Uint8Array {
  const mayEnd = new Uint8Array(nodes.length);
  let node = nodes[0] as Node;
  for (let paddingBits = 0; paddingBits <= MAX_PADDING_BITS; paddingBits += 1) {
    mayEnd[node.state] = 1;
    node = node.branches[1] as Node;
  }
  return mayEnd;
}

const NODES = codeTree();
const TRANSITIONS = transitionsOf(NODES);
const MAY_END = endsOf(NODES);

/**
 * Decodes `bytes` from `start` to `end` into `target`, from its beginning. Returns how many bytes that is, which may be
 * more than `target` holds: those beyond are counted and dropped. -1: the string holds the end-of-string symbol, or
 * its padding is longer than 7 bits or not all ones.
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let state = 0;
  let length = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    const first = TRANSITIONS[state * 16 + (byte >>> 4)] as number;
    const second = TRANSITIONS[(first & 0xff) * 16 + (byte & 15)] as number;
    if (((first | second) & IS_ERROR) !== 0) return -1;
    if ((first & HAS_SYMBOL) !== 0) {
      if (length < target.length) target[length] = (first >>> SYMBOL_SHIFT) & 0xff;
      length += 1;
    }
    if ((second & HAS_SYMBOL) !== 0) {
      if (length < target.length) target[length] = (second >>> SYMBOL_SHIFT) & 0xff;
      length += 1;
    }
    state = second & 0xff;
  }
  return MAY_END[state] === 1 ? length : -1;
}
