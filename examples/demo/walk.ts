// Prints each step of the demo with its time and whether it came out right. Colours on a terminal only.

/** A step that came out wrong; the message says what was expected and what was there. */
class Wrong extends Error {}

export interface Walk {
  act(title: string): void;
  /** Runs one step. What it returns is printed beside it: a measured time, or what one should look at. */
  step(title: string, run: () => Promise<string>): Promise<void>;
  /** Prints the sum and says whether every step came out right. */
  finish(): boolean;
}

export function startWalk(write: (text: string) => void, colours: boolean): Walk {
  const paint = (code: number, text: string): string => (colours ? `\u001B[${code}m${text}\u001B[0m` : text);
  const beganAtMs = performance.now();
  let steps = 0;
  let wrongSteps = 0;

  return {
    act(title) {
      write(`\n${paint(1, title)}\n`);
    },
    async step(title, run) {
      steps += 1;
      const stepBeganAtMs = performance.now();
      let note: string;
      let right = true;
      try {
        note = await run();
      } catch (error) {
        right = false;
        wrongSteps += 1;
        note = error instanceof Wrong ? error.message : String(error instanceof Error ? error.stack : error);
      }
      const mark = right ? paint(32, "✓") : paint(31, "✗");
      const took = `${(performance.now() - stepBeganAtMs).toFixed(0)} ms`.padStart(8);
      write(`  ${mark} ${paint(2, took)}  ${title}${note === "" ? "" : paint(right ? 36 : 31, ` — ${note}`)}\n`);
    },
    finish() {
      const seconds = ((performance.now() - beganAtMs) / 1000).toFixed(1);
      const sum =
        wrongSteps === 0 ? `all ${steps} steps came out right` : `${wrongSteps} of ${steps} steps came out wrong`;
      write(`\n${paint(wrongSteps === 0 ? 32 : 31, sum)} in ${seconds} s\n`);
      return wrongSteps === 0;
    },
  };
}

/** Throws `Wrong` unless `is` equals `shouldBe`. */
export function expectEqual(what: string, is: unknown, shouldBe: unknown): void {
  if (is !== shouldBe) throw new Wrong(`${what} should be ${JSON.stringify(shouldBe)}, is ${JSON.stringify(is)}`);
}
