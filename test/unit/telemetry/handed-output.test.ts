// Log lines that another thread writes: none is lost while it takes them, and none piles up while it does not.

import { expect, test } from "vitest";
import { createHandedOutput } from "../../../src/telemetry/handed-output.ts";

test("lines leave together and in order, and a flush waits until they are taken", async () => {
  const handed: string[] = [];
  const output = createHandedOutput((lines) => void handed.push(lines));
  output.write("a\n");
  output.write("b\n");
  const flushed = output.flush();
  expect(handed).toEqual(["a\nb\n"]);
  output.taken(4);
  await flushed;
  expect(output.droppedCount()).toBe(0);
});

test("what nobody takes is bounded, and what is over is counted", async () => {
  const output = createHandedOutput(() => undefined);
  const line = `${"x".repeat(1_048_575)}\n`;
  for (let i = 0; i < 6; i += 1) output.write(line);
  expect(output.droppedCount()).toBe(2);
  await output.flush(); // gives up after a second
  output.taken(4 * line.length);
  output.write(line);
  expect(output.droppedCount()).toBe(2);
  const flushed = output.flush();
  output.taken(line.length);
  await flushed;
});
