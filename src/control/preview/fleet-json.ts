// The fleet's questions and answers in JSON: as a sidecar is asked in the answer to its report, and as it answers in the
// next one.

import { HASH_BITS, MAX_KEPT } from "../../core/distinct-count.ts";
import {
  MAX_OPEN_QUESTIONS,
  RECENT_MS,
  type FleetAnswer,
  type FleetQuestion,
} from "../../revocation/preview/question.ts";
import type { JsonSchema } from "../json-schema.ts";

const QUESTION_ID: JsonSchema = { type: "string", pattern: "^[A-Za-z0-9_-]{22}$" };

const KEPT_HASHES: JsonSchema = {
  type: "array",
  maxItems: MAX_KEPT,
  items: { type: "integer", minimum: 0, maximum: 2 ** HASH_BITS - 1 },
  description: "The smallest salted hashes, from which the number of different ones is told.",
};

/** `answers` of a sidecar's report. */
export const ANSWERS: JsonSchema = {
  type: "array",
  maxItems: MAX_OPEN_QUESTIONS,
  description: "What previews would hit here. Left out: it answers none.",
  items: {
    type: "object",
    additionalProperties: false,
    required: ["id", "tokens", "sessions", "users", "back_ms"],
    properties: {
      id: QUESTION_ID,
      tokens: KEPT_HASHES,
      sessions: KEPT_HASHES,
      users: KEPT_HASHES,
      back_ms: { type: "integer", minimum: 0, maximum: RECENT_MS, description: "How far back it remembers all." },
    },
  },
};

/** What the answer to a report holds, where something is asked. */
export const QUESTIONS: JsonSchema = {
  type: "object",
  required: ["questions"],
  properties: {
    questions: {
      type: "array",
      items: {
        type: "object",
        required: ["id", "keys"],
        properties: {
          id: QUESTION_ID,
          keys: { type: "array", items: { type: "string" }, description: "Whose tokens are counted." },
          issued_before: { type: "integer", description: "Epoch seconds: only those issued before." },
        },
      },
    },
  },
};

export interface AnswerJson extends Omit<FleetAnswer, "backMs"> {
  readonly back_ms: number;
}

export function answerJson({ backMs, ...answer }: FleetAnswer): AnswerJson {
  return { ...answer, back_ms: backMs };
}

export function answerOfJson({ back_ms: backMs, ...answer }: AnswerJson): FleetAnswer {
  return { ...answer, backMs };
}

export function questionsJson(questions: readonly FleetQuestion[]): object {
  return { questions: questions.map(({ id, keys, issuedBeforeS }) => ({ id, keys, issued_before: issuedBeforeS })) };
}

/** None in what is no such text: a control plane of another version answered. */
export function readQuestions(text: string): readonly FleetQuestion[] {
  if (text === "") return [];
  try {
    const { questions } = JSON.parse(text) as { readonly questions?: unknown };
    return Array.isArray(questions) ? questions.flatMap(readQuestion) : [];
  } catch {
    return [];
  }
}

function readQuestion(value: Readonly<Record<string, unknown>> | null): readonly FleetQuestion[] {
  const { id, keys, issued_before: issuedBeforeS } = value ?? {};
  if (typeof id !== "string" || !Array.isArray(keys)) return [];
  return [{ id, keys, issuedBeforeS: typeof issuedBeforeS === "number" ? issuedBeforeS : undefined }];
}
