// A person's browser, as far as logging in needs one: a cookie jar that follows redirects and fills in forms.

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

export interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly url: string;
}

/** A person's browser. */
export interface Browser {
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<Page>;
  post(url: string, form: Readonly<Record<string, string>>, headers?: Readonly<Record<string, string>>): Promise<Page>;
  /** What it sends to the service, as a thief with a copy would. */
  cookies(): string;
}

/**
 * Follows redirects until one leaves `issuer`, whose address is then `url` of what it returns. `byProxy` are headers that
 * stand on each of its calls.
 */
export function createBrowser(
  issuer: string,
  userAgent: string = FIREFOX,
  stolen = "",
  byProxy: Readonly<Record<string, string>> = {},
): Browser {
  const jar = new Map<string, string>(
    stolen === "" ? [] : stolen.split("; ").map((pair) => pair.split(/=(.*)/s) as unknown as [string, string]),
  );
  const cookies = (): string => [...jar].map(([name, value]) => `${name}=${value}`).join("; ");

  async function ask(url: string, init: RequestInit): Promise<Page> {
    if (!url.startsWith(`${issuer}/`)) return { status: 0, headers: new Headers(), text: "", url };
    const headers = {
      "user-agent": userAgent,
      cookie: cookies(),
      ...byProxy,
      ...(init.headers as Record<string, string>),
    };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === "" || /expires=Thu, 01 Jan 1970/i.test(cookie)) jar.delete(name);
      else jar.set(name, value);
    }
    const location = response.headers.get("location");
    if (location !== null) return ask(new URL(location, url).href, {});
    return { status: response.status, headers: response.headers, text: await response.text(), url };
  }

  return {
    get: (url, headers = {}) => ask(url, { headers }),
    post: (url, form, headers = {}) =>
      ask(url, { method: "POST", body: new URLSearchParams(form), headers: { origin: issuer, ...headers } }),
    cookies,
  };
}
