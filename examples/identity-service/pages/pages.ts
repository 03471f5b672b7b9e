// The pages a person sees: log in, account, new password, log out, error. They say what to do next and never why a log-in
// failed.
import { SHORTEST_PASSWORD_CHARACTERS } from "../password.ts";
import { html, Html, page } from "./layout.ts";

export interface LoginPage {
  readonly action: string;
  /** For whom one logs in. */
  readonly client: string;
  readonly username: string;
  /** What to say of the attempt before. */
  readonly fault?: string | undefined;
  /** Somebody is logged in and must show that it is still he. */
  readonly again: boolean;
}

export function loginPage({ action, client, username, fault, again }: LoginPage): string {
  return page(
    again ? "Please sign in again" : "Sign in",
    html`<p class="soft">${again ? "Something about this browser has changed. " : ""}to continue to ${client}</p>
      ${faultOf(fault)}
      <form method="post" action="${action}">
        <label for="username">User name</label>
        <input
          id="username"
          name="username"
          value="${username}"
          autocomplete="username"
          autocapitalize="none"
          spellcheck="false"
          required
          ${new Html(username === "" ? "autofocus" : "")}
        />
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          ${new Html(username === "" ? "" : "autofocus")}
        />
        <button type="submit">Sign in</button>
      </form>`,
  );
}

export interface SessionRow {
  readonly sid: string;
  readonly device: string;
  readonly network: string;
  readonly isThisOne: boolean;
}

export interface AccountPage {
  readonly username: string;
  readonly sessions: readonly SessionRow[];
  readonly fault?: string | undefined;
}

export function accountPage({ username, sessions, fault }: AccountPage): string {
  return page(
    `Hello, ${username}`,
    html`<p class="soft">
        You are signed in on ${sessions.length === 1 ? "one device" : `${sessions.length} devices`}.
      </p>
      ${faultOf(fault)}
      <ul>
        ${sessions.map(sessionRow)}
      </ul>
      <form method="post" action="/account/sign-out-everywhere">
        <button type="submit">Sign out everywhere</button>
      </form>
      <h2>Change your password</h2>
      <p class="soft">You will be signed out everywhere, here too.</p>
      <form method="post" action="/account/password">
        <input type="hidden" name="username" autocomplete="username" value="${username}" />
        <label for="current">Password now</label>
        <input id="current" name="current" type="password" autocomplete="current-password" required />
        ${newPasswordField()}
        <button class="quiet" type="submit">Change password</button>
      </form>`,
  );
}

function sessionRow({ sid, device, network, isThisOne }: SessionRow): Html {
  return html`<li>
    <span>${device}<br /><span class="soft">${isThisOne ? "this browser" : network}</span></span>
    <form method="post" action="/account/sign-out">
      <input type="hidden" name="sid" value="${sid}" />
      <button class="quiet" type="submit">Sign out</button>
    </form>
  </li>`;
}

export function newPasswordPage(action: string, fault?: string): string {
  return page(
    "Choose a new password",
    html`${faultOf(fault)}
      <form method="post" action="${action}">
        ${newPasswordField()}
        <button type="submit">Save</button>
      </form>`,
  );
}

function newPasswordField(): Html {
  return html`<label for="password">New password</label>
    <input
      id="password"
      name="password"
      type="password"
      autocomplete="new-password"
      minlength="${SHORTEST_PASSWORD_CHARACTERS}"
      required
    />`;
}

/** `form` is oidc-provider's own, without a button. */
export function logoutPage(form: string): string {
  return page(
    "Sign out?",
    html`${new Html(form)}
      <button type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
      <button class="quiet" type="submit" form="op.logoutForm">Stay signed in</button>`,
  );
}

/** Says so when what was ended here could not be told to everybody yet, and how long that may matter. */
export function signedOutPage(what: string, delivered: boolean, accessTokenTtlS: number): string {
  const late = html`<p class="bad">
    Applications have not all been told yet. One that is open may go on for up to ${Math.ceil(accessTokenTtlS / 60)}
    minutes.
  </p>`;
  return page(
    "Signed out",
    html`<p>${what}</p>
      ${delivered ? undefined : late}
      <p><a href="/account">Sign in again</a></p>`,
  );
}

export function messagePage(title: string, message: string): string {
  return page(title, html`<p>${message}</p>`);
}

function faultOf(fault: string | undefined): Html | undefined {
  return fault === undefined ? undefined : html`<p class="bad" role="alert">${fault}</p>`;
}
