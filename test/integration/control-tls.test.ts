// The control API over TLS at a real `portcullis control`: its certificate, a change of it, and callers' certificates.

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { createCertificate } from "../support/certificate.ts";
import { run } from "../support/command.ts";
import { PORTCULLIS, startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startProcess } from "../support/process.ts";
import { until } from "../support/wait.ts";

const TOKEN = randomBytes(32).toString("base64url");
const first = createCertificate();
const second = createCertificate();
const client = createCertificate();

let plane: PortcullisProcess | undefined;
afterEach(async () => {
  await plane?.stop();
  plane = undefined;
});

async function start(tls: object): Promise<PortcullisProcess> {
  plane = await startPortcullis({
    command: "control",
    config: {
      issuers: [{ issuer: "https://id.example.com", jwks: { file: "jwks.json" }, audiences: ["orders-api"] }],
      store: { type: "memory" },
      control: {
        tokens: [
          { name: "ops", sha256: createHash("sha256").update(TOKEN).digest("hex"), scopes: ["portcullis:admin"] },
        ],
        tls,
      },
    },
    files: {
      "jwks.json": '{"keys":[]}',
      "tls.crt": first.certificatePem,
      "tls.key": first.privateKeyPem,
      "clients.crt": client.certificatePem,
    },
  });
  expect(plane.controlUrl).toMatch(/^https:\/\/127\.0\.0\.1:/);
  return plane;
}

const FILES = { certificateFile: "tls.crt", keyFile: "tls.key" };

function get(url: string, options: ConnectionOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const asked = request(`${url}/v1/revocations`, { ...options, headers, agent: false }, (answer) => {
      answer.resume();
      answer.once("end", () => resolve(answer.statusCode ?? 0));
    });
    asked.once("error", reject);
    asked.end();
  });
}

/** The certificate that a new connection is shown. */
async function shown(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket: TLSSocket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return raw.toString("base64");
}

const bodyOf = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, "");

function place(folder: string, name: string, text: string): void {
  writeFileSync(join(folder, `${name}.new`), text);
  renameSync(join(folder, `${name}.new`), join(folder, name));
}

test("it answers over TLS alone, to commands too, and says nothing to who speaks plain HTTP or an old TLS", async () => {
  const { controlUrl, folder } = await start(FILES);
  expect(await get(controlUrl, { ca: first.certificatePem })).toBe(200);
  await expect(get(controlUrl, { ca: second.certificatePem })).rejects.toThrow(/self-signed certificate/);
  await expect(
    get(controlUrl, {
      ca: first.certificatePem,
      maxVersion: "TLSv1.1",
      minVersion: "TLSv1",
      ciphers: "ALL:@SECLEVEL=0",
    }),
  ).rejects.toThrow(/alert|version|protocol/i);
  const { hostname, port } = new URL(controlUrl);
  const plain = connectPlain(Number(port), hostname, () =>
    plain.write("GET /v1/revocations HTTP/1.1\r\nhost: x\r\n\r\n"),
  );
  let said = "";
  plain.on("data", (chunk) => (said += chunk.toString("latin1")));
  plain.on("error", () => undefined);
  await once(plain, "close");
  expect(said).not.toContain("HTTP");
  const listed = await run(["list", "--json"], {
    env: {
      PORTCULLIS_CONTROL_URL: controlUrl,
      PORTCULLIS_TOKEN: TOKEN,
      NODE_EXTRA_CA_CERTS: join(folder, "tls.crt"),
    },
  });
  expect({ code: listed.code, err: listed.err }).toEqual({ code: 0, err: "" });
});

test("a certificate that is replaced is shown to new connections, and one that cannot be used is not", async () => {
  const { controlUrl, folder, process } = await start(FILES);
  expect(await shown(controlUrl)).toBe(bodyOf(first.certificatePem));
  place(folder, "tls.key", second.privateKeyPem);
  await process.line(/"tls_refused"/);
  expect(await get(controlUrl, { ca: first.certificatePem })).toBe(200);
  place(folder, "tls.crt", second.certificatePem);
  await until("the new certificate", async () => (await shown(controlUrl)) === bodyOf(second.certificatePem));
  expect(await get(controlUrl, { ca: second.certificatePem })).toBe(200);
  expect(process.output()).not.toContain("PRIVATE KEY");
});

test("with clientCaFile a caller needs a certificate of it, and his token all the same", async () => {
  const { controlUrl } = await start({ ...FILES, clientCaFile: "clients.crt" });
  const ca = first.certificatePem;
  await expect(get(controlUrl, { ca })).rejects.toThrow(/certificate required|ECONNRESET|EPIPE|socket hang up/i);
  const stranger = { ca, cert: second.certificatePem, key: second.privateKeyPem };
  await expect(get(controlUrl, stranger)).rejects.toThrow(/alert|ECONNRESET|EPIPE|socket hang up/i);
  const known = { ca, cert: client.certificatePem, key: client.privateKeyPem };
  expect(await get(controlUrl, known)).toBe(200);
  const withoutToken = new Promise<number>((resolve, reject) => {
    request(`${controlUrl}/v1/revocations`, { ...known, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .once("error", reject)
      .end();
  });
  expect(await withoutToken).toBe(401);
});

test("without its files it does not start, and says which; a sidecar with the same configuration is only warned", async () => {
  const { folder, configFile, controlUrl } = await start(FILES);
  expect(controlUrl).not.toBe("");
  const text = readFileSync(configFile, "utf8").replace('"tls.crt"', '"gone.crt"');
  const file = join(folder, "other.yaml");
  writeFileSync(file, text);
  const other = startProcess(PORTCULLIS, ["control", "--config", file]);
  expect(await other.end()).toBe(1);
  expect(other.output()).toContain("control.tls.certificateFile: the file does not exist");
  const checking = startProcess(PORTCULLIS, ["check-config", file]);
  expect(await checking.end()).toBe(0);
  expect(checking.output()).toContain("control.tls.certificateFile");
});
