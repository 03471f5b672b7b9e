// Who may log in. Tells a wrong name from a wrong password to nobody, neither by its answer nor by its time.
import { createHash, randomUUID } from "node:crypto";
import { hashPassword, LONGEST_PASSWORD_BYTES, passwordMatches, SHORTEST_PASSWORD_CHARACTERS } from "./password.ts";
import { update, type IdentityStore } from "./store/store.ts";

export interface Account {
  /** The `sub` of all its tokens; never given to another. */
  readonly sub: string;
  /** As it is typed, in lower case. */
  readonly username: string;
  readonly tenant: string;
  /** All that its tokens may ever carry of the API's scopes. */
  readonly scopes: readonly string[];
  readonly disabled: boolean;
}

interface KeptAccount extends Account {
  readonly passwordHash: string;
}

export interface NewAccount {
  readonly username: string;
  readonly password: string;
  /** Default: a new UUID. */
  readonly sub?: string | undefined;
  readonly tenant: string;
  readonly scopes: readonly string[];
}

export interface Accounts {
  /** False: the name or the `sub` is taken. */
  add(account: NewAccount): Promise<boolean>;
  byName(username: string): Promise<Account | undefined>;
  bySub(sub: string): Promise<Account | undefined>;
  /** The account, when the password is its own and it is not disabled. Takes one hash in every case. */
  authenticate(username: string, password: string): Promise<Account | undefined>;
  setPassword(sub: string, password: string): Promise<void>;
  /** Another one for each password that was ever set, and tells nothing of it. */
  passwordMark(sub: string): Promise<string>;
  setDisabled(sub: string, disabled: boolean): Promise<void>;
}

/** What is wrong with a password somebody chose; undefined: nothing. */
export function passwordFault(password: string): string | undefined {
  if (password.length < SHORTEST_PASSWORD_CHARACTERS)
    return `at least ${SHORTEST_PASSWORD_CHARACTERS} characters, please`;
  return Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES ? "that is too long" : undefined;
}

/** One name for however it was typed. */
export function canonicalName(username: string): string {
  return username.normalize("NFKC").trim().toLowerCase();
}

export function createAccounts(store: IdentityStore): Accounts {
  const read = async (sub: string | undefined): Promise<KeptAccount | undefined> => {
    const kept = sub === undefined ? undefined : await store.get(`account:${sub}`);
    return kept === undefined ? undefined : (JSON.parse(kept) as KeptAccount);
  };
  const readByName = async (username: string): Promise<KeptAccount | undefined> =>
    read(await store.get(`username:${canonicalName(username)}`));

  async function change(sub: string, changes: Partial<KeptAccount>): Promise<void> {
    await update(store, `account:${sub}`, (kept) =>
      kept === undefined ? undefined : { value: JSON.stringify({ ...(JSON.parse(kept) as KeptAccount), ...changes }) },
    );
  }

  return {
    async add({ username, password, sub = randomUUID(), tenant, scopes }) {
      const name = canonicalName(username);
      const account = {
        sub,
        username: name,
        tenant,
        scopes,
        disabled: false,
        passwordHash: await hashPassword(password),
      };
      if (!(await store.swap(`username:${name}`, undefined, sub))) return false;
      if (await store.swap(`account:${sub}`, undefined, JSON.stringify(account))) return true;
      await store.write([{ drop: `username:${name}` }]);
      return false;
    },
    byName: async (username) => publicPart(await readByName(username)),
    bySub: async (sub) => publicPart(await read(sub)),
    async authenticate(username, password) {
      const account = await readByName(username);
      const tooLong = Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES;
      const matches = await passwordMatches(tooLong ? "" : password, account?.passwordHash);
      return matches && account?.disabled === false ? publicPart(account) : undefined;
    },
    async setPassword(sub, password) {
      await change(sub, { passwordHash: await hashPassword(password) });
    },
    async passwordMark(sub) {
      const { passwordHash = "" } = (await read(sub)) ?? {};
      return createHash("sha256").update(passwordHash).digest("base64url");
    },
    setDisabled: (sub, disabled) => change(sub, { disabled }),
  };
}

function publicPart(account: KeptAccount | undefined): Account | undefined {
  if (account === undefined) return undefined;
  const { passwordHash: _, ...rest } = account;
  return rest;
}
