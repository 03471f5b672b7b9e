// Cuts a stream of bytes into lines of bounded length. It decodes nothing: a line's bytes may be no text at all.

export interface Line {
  /** From 1, as an editor counts. */
  readonly number: number;
  /** Without its end; undefined: it was longer than allowed, and nothing of it was kept. */
  readonly bytes: Buffer | undefined;
}

export interface LineCutter {
  /** The lines that end in `chunk`. */
  push(chunk: Buffer): readonly Line[];
  /** What stands after the last line end, if anything does. */
  end(): readonly Line[];
}

const LINE_FEED = 0x0a;

/** Keeps at most `maxLineBytes` between two chunks. */
export function createLineCutter(maxLineBytes: number): LineCutter {
  let number = 0;
  let kept: Buffer[] = [];
  let keptBytes = 0;

  /** Beyond the bound only the count goes on. */
  function keep(part: Buffer): void {
    keptBytes += part.length;
    if (keptBytes <= maxLineBytes) kept.push(part);
    else kept = [];
  }

  function cut(): Line {
    number += 1;
    const line = { number, bytes: keptBytes > maxLineBytes ? undefined : Buffer.concat(kept) };
    kept = [];
    keptBytes = 0;
    return line;
  }

  return {
    push(chunk) {
      const lines: Line[] = [];
      let from = 0;
      for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
        keep(chunk.subarray(from, at));
        lines.push(cut());
        from = at + 1;
      }
      keep(chunk.subarray(from));
      return lines;
    },
    end: () => (keptBytes === 0 ? [] : [cut()]),
  };
}
