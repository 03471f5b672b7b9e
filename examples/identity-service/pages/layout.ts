// The frame of every page: plain HTML and one style sheet, nothing from elsewhere, no script. What comes from outside is
// escaped where it is put in; whoever writes a page cannot forget it.
import { createHash } from "node:crypto";

/** HTML that is safe to send. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | readonly Html[] | undefined;

/** html`<p>${name}</p>`: what is put in is escaped, unless it is Html itself. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.reduce((whole, text, index) => whole + rendered(parts[index - 1]) + text));
}

function rendered(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(({ text }) => text).join("");
  return String(part).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--ground:#f3f4f6;--sheet:#fff;--line:#8c959f;--act:#0b57d0;--on-act:#fff;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#a6adb6;--ground:#14171b;--sheet:#1e2227;--line:#747d88;--act:#a8c7fa;--on-act:#062e6f;--bad:#f2b8b5}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:min(26rem,100% - 2rem);margin:2rem 0;padding:2rem;background:var(--sheet);border-radius:.75rem;box-shadow:0 1px 3px #0003}
h1{margin:0 0 .25rem;font-size:1.5rem;line-height:1.25}
h2{margin:2rem 0 .5rem;font-size:1.1rem}
p{margin:.5rem 0}
.soft{color:var(--soft)}
.bad{padding:.75rem;border-left:.25rem solid var(--bad);color:var(--bad)}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input{width:100%;padding:.6rem .75rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:.5rem}
button{width:100%;margin-top:1.25rem;padding:.65rem 1rem;font:inherit;font-weight:600;color:var(--on-act);background:var(--act);border:1px solid var(--act);border-radius:.5rem;cursor:pointer}
button.quiet{color:var(--act);background:transparent}
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:.75rem;background:var(--ground);border-radius:.5rem;font-size:.85rem}
li button{width:auto;margin:0;padding:.25rem .75rem}
:focus-visible{outline:3px solid var(--act);outline-offset:2px}
ul{list-style:none;margin:0;padding:0}
li{display:flex;gap:1rem;align-items:center;justify-content:space-between;padding:.75rem 0;border-top:1px solid color-mix(in srgb,var(--line) 40%,transparent)}
`;

/** Not a letter may be put into it: browsers hold it to the hash. */
const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`);
const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/**
 * What a page of ours may load and where its forms may lead: `formTargets` are origins beside our own, for browsers hold a
 * form's redirects to it, too. oidc-provider adds the hash of the one script it sends itself.
 */
export function contentSecurityPolicy(formTargets: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'none'",
    `style-src 'sha256-${STYLE_HASH}'`,
    ["form-action 'self'", ...formTargets].join(" "),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; ");
}

export function page(title: string, body: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`.text;
}
