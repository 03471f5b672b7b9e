// Who may log in to the example issuer. Invented people with public passwords: never for anything but the examples.

export interface User {
  readonly password: string;
  readonly subject: string;
  readonly tenant: string;
  /** All scopes the user may have, separated by spaces. */
  readonly scope: string;
}

/** By user name. */
export const USERS: ReadonlyMap<string, User> = new Map([
  ["alice", { password: "wonderland", subject: "alice", tenant: "acme", scope: "orders:read orders:write" }],
  ["bob", { password: "builder", subject: "bob", tenant: "acme", scope: "orders:read" }],
  ["root", { password: "toor", subject: "root", tenant: "acme", scope: "orders:read orders:write admin" }],
]);
