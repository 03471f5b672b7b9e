// What an answer says: whether a CheckResponse lets the call through. It trusts nothing that it has not read.

/** Field numbers of envoy.service.auth.v3.CheckResponse, and of google.rpc.Status within it. */
const STATUS = 1;
const OK_RESPONSE = 3;
const STATUS_CODE = 1;

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/**
 * True for a CheckResponse with an ok_response and no status code but 0: with another one Envoy refuses the call,
 * whatever the response is called. Anything damaged is false.
 */
export function isAllow(message: Buffer): boolean {
  let hasOkResponse = false;
  let hasBadStatus = false;
  const isWhole = eachField(message, (field, from, to) => {
    if (field === OK_RESPONSE) hasOkResponse = true;
    if (field === STATUS) hasBadStatus ||= !isOkStatus(message.subarray(from, to));
  });
  return isWhole && hasOkResponse && !hasBadStatus;
}

function isOkStatus(status: Buffer): boolean {
  let isOk = true;
  const isWhole = eachField(status, (field, _from, _to, value) => {
    if (field === STATUS_CODE && value !== 0) isOk = false;
  });
  return isWhole && isOk;
}

type FieldSeen = (field: number, from: number, to: number, value: number) => void;

/** Calls `seen` for each top-level field; false when the bytes are no such message. */
function eachField(message: Buffer, seen: FieldSeen): boolean {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < message.length; factor *= 128) {
      const byte = message[at] as number;
      at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  while (at < message.length) {
    const tag = varint();
    const wire = tag % 8;
    if (wire !== VARINT && wire !== LENGTH_DELIMITED) return false;
    const value = varint();
    const from = at;
    if (wire === LENGTH_DELIMITED) at += value;
    if (Number.isNaN(value) || at > message.length) return false;
    seen(Math.floor(tag / 8), from, at, value);
  }
  return true;
}
