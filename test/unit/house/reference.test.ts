// Holds docs/reference to what the program says of itself, and to saying it of everything.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { referencePages } from "../../../scripts/reference.ts";

const pages = await referencePages();

describe.each([...pages.keys()])("docs/reference/%s", (name) => {
  test("is what `make reference` writes", () => {
    expect(readFileSync(`docs/reference/${name}`, "utf8")).toBe(pages.get(name));
  });
});

test("every key of the file, every command and every metric has its words", () => {
  const keys = [...(pages.get("configuration.md") ?? "").matchAll(/^\| `([^`]+)` \| .* \| (.*) \|$/gm)];
  expect(keys.length).toBeGreaterThan(100);
  expect(keys.filter(([, , words]) => words?.trim() === "").map(([, key]) => key)).toEqual([]);
  const commands = [...(pages.get("commands.md") ?? "").matchAll(/^## (\S+)\n\n```text\nUsage: portcullis (\S+)/gm)];
  expect(commands.length).toBeGreaterThan(10);
  expect(commands.filter(([, heading, command]) => heading !== command)).toEqual([]);
});
