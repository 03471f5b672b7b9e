// The Lua that Redis runs for us: each touches one key, so that a Cluster can run it too, and reads no JSON, so that
// what a value means is decided in one language only. Redis 6.2 or later (PXAT).

const READING = `
-- Epoch milliseconds of a key's end, exact from Redis 7 on and within 1 ms before; false: none.
local function expiry(key)
  local at = redis.pcall('PEXPIRETIME', key)
  if type(at) ~= 'table' then return at >= 0 and at end
  local left = redis.call('PTTL', key)
  local now = redis.call('TIME')
  return left >= 0 and now[1] * 1000 + math.floor(now[2] / 1000) + left
end
-- A key of another type is nothing to a look-up: false, as if absent.
local function value(key)
  local found = redis.pcall('GET', key)
  if type(found) ~= 'table' then return found end
  if string.find(found.err, 'WRONGTYPE', 1, true) then return false end
  return nil, found
end
local function hash(text)
  return text and redis.sha1hex(text) or ''
end
`;

/**
 * Puts a marker's value in the place of another, if that still stands: KEYS[1] the marker; ARGV: the SHA-1 of the value
 * that stands or '' for none, the new value, the new expiry in epoch ms or '' for none. The later expiry wins.
 * Answers [1, expiry or nil], or [0, value that stands or nil, its SHA-1 or ''] if it was another. By hash, for a value
 * of another program may be no UTF-8 and would not come back as it went.
 */
export const REPLACE_MARKER: string = `${READING}
local stands, refusal = value(KEYS[1])
if refusal then return refusal end
if hash(stands) ~= ARGV[1] then return {0, stands, hash(stands)} end
local till = tonumber(ARGV[3])
if stands and till then
  local was = expiry(KEYS[1])
  till = was and math.max(was, till)
end
if till then
  redis.call('SET', KEYS[1], ARGV[2], 'PXAT', string.format('%.0f', till))
else
  redis.call('SET', KEYS[1], ARGV[2])
end
return {1, till or false}
`;

/** Reads a marker: KEYS[1]. Answers [value or nil, its SHA-1, expiry in epoch ms or nil, 1 if of another type]. */
export const READ_MARKER: string = `${READING}
local stands, refusal = value(KEYS[1])
if refusal then return refusal end
if not stands then return {false, '', false, redis.call('EXISTS', KEYS[1])} end
return {stands, hash(stands), expiry(KEYS[1]), 0}
`;

/** Deletes a marker if its value is still the one meant: KEYS[1], ARGV[1] the value's SHA-1. Answers 1 if it did. */
export const DELETE_MARKER: string = `${READING}
local stands, refusal = value(KEYS[1])
if refusal then return refusal end
if not stands or hash(stands) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`;
