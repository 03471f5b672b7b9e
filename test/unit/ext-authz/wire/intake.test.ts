// When a socket is read: two reasons pause it, and neither may lift the other's.
import { expect, test } from "vitest";
import { Intake } from "../../../../src/ext-authz/wire/intake.ts";
import { eventLoop } from "../../../../src/resilience/schedule.ts";

const CHUNK_BYTES = 65_536;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** An intake, and what its socket was told. */
function intakeOf(): { readonly intake: Intake; readonly told: string[] } {
  const told: string[] = [];
  const socket = {
    pause() {
      told.push("pause");
      return this;
    },
    resume() {
      told.push("resume");
      return this;
    },
  };
  return { intake: new Intake(socket as never), told };
}

test("a connection that has sent as much as a turn takes is held, and read on in the next", async () => {
  const { intake, told } = intakeOf();
  intake.took(CHUNK_BYTES - 1);
  expect(told).toEqual([]);
  intake.took(1);
  expect(told).toEqual(["pause"]);
  await turn();
  expect(told).toEqual(["pause", "resume"]);
});

test("what came in turns before does not count", async () => {
  const { intake, told } = intakeOf();
  for (let i = 0; i < 3; i += 1) {
    intake.took(CHUNK_BYTES - 1);
    await turn();
  }
  expect(told).toEqual([]);
});

test("what one connection sends does not count for another", () => {
  const [burst, other] = [intakeOf(), intakeOf()];
  burst.intake.took(CHUNK_BYTES);
  other.intake.took(1_400);
  expect([burst.told, other.told]).toEqual([["pause"], []]);
});

test("work that may wait does, while there is more to read", async () => {
  const done: string[] = [];
  const { intake } = intakeOf();
  eventLoop.last(() => done.push("work"));
  intake.took(CHUNK_BYTES);
  await turn();
  intake.took(CHUNK_BYTES - 1);
  expect(done).toEqual([]);
  await turn();
  expect(done).toEqual(["work"]);
});

test("a held connection whose answers stall is not read on before they are taken", async () => {
  const { intake, told } = intakeOf();
  intake.took(CHUNK_BYTES);
  intake.stall();
  await turn();
  expect(told).not.toContain("resume");
  intake.drained();
  expect(told.at(-1)).toBe("resume");
});

test("answers that are taken again do not let a held connection go before its turn", async () => {
  const { intake, told } = intakeOf();
  intake.stall();
  intake.took(CHUNK_BYTES);
  intake.drained();
  expect(told).not.toContain("resume");
  await turn();
  expect(told.at(-1)).toBe("resume");
});

test("a stall goes on since it began, until the answers are taken", async () => {
  const { intake } = intakeOf();
  intake.stall();
  const beganAtMs = intake.stalledAtMs;
  await turn();
  intake.stall();
  expect(intake.stalledAtMs).toBe(beganAtMs);
  intake.drained();
  expect(intake.stalledAtMs).toBeUndefined();
});
