// Cuts the text of a stream into lines, however the stream is cut.

export interface LineCutter {
  /** The lines that `text` completes. */
  push(text: string): readonly string[];
  /** Of the line that has not ended yet. */
  restCharCount(): number;
  /** The last line, where nothing ends it; undefined: there is none. */
  end(): string | undefined;
}

/** A line ends in \r, \n or both, and a chunk may end between both. A byte order mark before the first is no part of it. */
export function createLineCutter(): LineCutter {
  let isFirst = true;
  let endsInReturn = false;
  let rest = "";
  return {
    push(text) {
      if (text === "") return [];
      const begin = (isFirst && text.startsWith("\uFEFF")) || (endsInReturn && text.startsWith("\n")) ? 1 : 0;
      isFirst = false;
      endsInReturn = text.endsWith("\r");
      const [head = "", ...tails] = text.slice(begin).split(/\r\n|\r|\n/);
      const lines = [rest + head, ...tails];
      rest = lines.pop() ?? "";
      return lines;
    },
    restCharCount: () => rest.length,
    end: () => (rest === "" ? undefined : rest),
  };
}
