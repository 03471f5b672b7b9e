// Makes a self-signed certificate for 127.0.0.1 (X.509, RFC 5280), so that tests speak real TLS and no key is in the
// repository.

import { generateKeyPairSync, sign } from "node:crypto";

export interface Certificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...derLength(body.length)]), body]);
}

/** As short as it can be: DER knows no other form, and Go's reader insists. */
function derLength(byteCount: number): readonly number[] {
  if (byteCount < 0x80) return [byteCount];
  return byteCount < 0x100 ? [0x81, byteCount] : [0x82, byteCount >> 8, byteCount & 0xff];
}

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const utcTime = (atMs: number): Buffer =>
  der(
    UTC_TIME,
    Buffer.from(
      new Date(atMs)
        .toISOString()
        .replace(/[-:T]|\.\d+/g, "")
        .slice(2),
    ),
  );

/** Good from yesterday until tomorrow. */
export function createCertificate(): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = der(SEQUENCE, der(OBJECT_ID, hex("2a8648ce3d040302")));
  const name = der(
    SEQUENCE,
    der(SET, der(SEQUENCE, der(OBJECT_ID, hex("550403")), der(UTF8_STRING, Buffer.from("test")))),
  );
  const subjectAltName = der(SEQUENCE, der(0x87, Buffer.from([127, 0, 0, 1])));
  const extension = der(SEQUENCE, der(OBJECT_ID, hex("551d11")), der(OCTET_STRING, subjectAltName));
  const dayMs = 24 * 3_600_000;
  const toBeSigned = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, hex("02"))),
    der(INTEGER, hex("01")),
    ecdsaWithSha256,
    name,
    der(SEQUENCE, utcTime(Date.now() - dayMs), utcTime(Date.now() + dayMs)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(SEQUENCE, extension)),
  );
  const signature = der(BIT_STRING, hex("00"), sign("sha256", toBeSigned, privateKey));
  const certificate = der(SEQUENCE, toBeSigned, ecdsaWithSha256, signature).toString("base64");
  return {
    certificatePem: `-----BEGIN CERTIFICATE-----\n${certificate.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
    privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
