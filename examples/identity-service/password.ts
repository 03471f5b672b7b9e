// Passwords as they are kept: argon2id, written as PHC strings. Never compares in a time that tells something, and takes as
// long for nobody's password as for somebody's.
import { argon2, randomBytes, timingSafeEqual } from "node:crypto";

/** OWASP's second choice for argon2id: 19 MiB, two passes, one lane; about 30 ms of one core. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const LANES = 1;
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** Longer ones are refused before they are hashed. */
export const LONGEST_PASSWORD_BYTES = 1_024;
export const SHORTEST_PASSWORD_CHARACTERS = 8;

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

interface Parameters {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Buffer;
  readonly tagBytes: number;
}

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const tag = await derive(password, {
    memoryKib: MEMORY_KIB,
    passes: PASSES,
    lanes: LANES,
    salt,
    tagBytes: TAG_BYTES,
  });
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${unpadded(salt)}$${unpadded(tag)}`;
}

/** Hashes once whatever `phc` is; undefined is nobody's, and no password matches it. */
export async function passwordMatches(password: string, phc: string | undefined): Promise<boolean> {
  const [, memory, passes, lanes, salt = "", tag = ""] = PHC.exec(phc ?? (await nobodys())) ?? [];
  const kept = Buffer.from(tag, "base64");
  const given = await derive(password, {
    memoryKib: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: Buffer.from(salt, "base64"),
    tagBytes: kept.length,
  });
  return timingSafeEqual(given, kept) && phc !== undefined;
}

let nobodysHash: Promise<string> | undefined;

/** Made once, before anybody asks: the first stranger must not wait for a second hash. */
export async function nobodys(): Promise<string> {
  nobodysHash ??= hashPassword(randomBytes(32).toString("base64"));
  return nobodysHash;
}

async function derive(password: string, { memoryKib, passes, lanes, salt, tagBytes }: Parameters): Promise<Buffer> {
  const parameters = {
    message: password.normalize("NFC"),
    nonce: salt,
    parallelism: lanes,
    tagLength: tagBytes,
    memory: memoryKib,
    passes,
  };
  return new Promise((resolve, reject) => {
    argon2("argon2id", parameters, (error, tag) => (error === null ? resolve(tag) : reject(error)));
  });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
