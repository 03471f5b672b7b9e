// The Lua that Redis runs for us. It reads no JSON, so that what a value means is decided in one language only. A marker
// and its entry in the feed are written in one script, which needs one Redis for both. Redis 6.2 or later (PXAT).

/** The log's length, about: at 300 bytes an entry some 20 MB. Whoever is further behind reads all markers again. */
const MAX_LOG_LENGTH = 65_536;

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

const NUMBER = `
local function number(n)
  return string.format('%.0f', n)
end
`;

/**
 * Appends to the feed of these keys, as Lua has them, an entry on a marker's. The log's ids are `seq`-0: dense, so that a gap shows, and each entry names the
 * link of the one before it, so that one of another history shows though its seq fits (a store rolled back and written
 * again). A head or log that is missing, or does not fit the other, begins a new epoch.
 */
const appending = (headKey: string, logKey: string, key: string): string => `${NUMBER}
local function head()
  if redis.call('TYPE', ${headKey}).ok ~= 'hash' then return {}, 0 end
  local found = redis.call('HMGET', ${headKey}, 'epoch', 'seq', 'link')
  return found, tonumber(found[2] or 0) or 0
end
-- The refusal of a Redis that takes no writes; nil once it is done. Nothing was written before.
local function append(link, epoch, op, text, till, name, wait)
  local found, last = head()
  local function add(inEpoch, prev)
    return redis.pcall('XADD', ${logKey}, 'MAXLEN', '~', ${MAX_LOG_LENGTH}, number(last + 1) .. '-0', 'epoch', inEpoch,
      'link', link, 'prev', prev, 'op', op, 'key', ${key}, 'value', text, 'till', till, 'name', name, 'wait', wait)
  end
  local added = found[1] and found[3] and add(found[1], found[3])
  if not added or (type(added) == 'table' and string.find(added.err, 'WRONGTYPE', 1, true))
    or (type(added) == 'table' and string.find(added.err, 'ERR The ID', 1, true)) then
    redis.call('DEL', ${headKey}, ${logKey})
    found = {epoch}
    added = add(epoch, '')
  end
  if type(added) == 'table' then return added end
  redis.call('HSET', ${headKey}, 'epoch', found[1], 'seq', number(last + 1), 'link', link)
end
`;

const APPENDING = appending("KEYS[2]", "KEYS[3]", "KEYS[1]");

/** Joins the expiry of what stands and what comes, and writes the marker KEYS[1]. */
const SETTING = `
local function later(stands, till)
  if not stands or not till then return till end
  local was = expiry(KEYS[1])
  return was and math.max(was, till)
end
local function set(text, till)
  if till then
    redis.call('SET', KEYS[1], text, 'PXAT', number(till))
  else
    redis.call('SET', KEYS[1], text)
  end
end
`;

/**
 * Puts a marker's value in the place of another, if that still stands, and tells the feed: KEYS[1] the marker; ARGV: the
 * SHA-1 of the value that stands or '' for none, the new value before its seq and after it, the new expiry in epoch ms
 * or '' for none, a link, an epoch should one begin, the target's name, '1' if somebody waits until replicas have it or ''.
 * The last: '' or, behind a '=', the link at which the feed has to stand, nothing for none. The later expiry wins. Answers
 * [1, expiry or nil, seq], [0, value that stands or nil, its SHA-1 or ''] if it was another, or [2] where the feed went on. By hash, for a value of another program may be no
 * UTF-8 and would not come back as it went.
 */
export const REPLACE_MARKER: string = `${READING}${APPENDING}${SETTING}
local stands, refusal = value(KEYS[1])
if refusal then return refusal end
local found, last = head()
if ARGV[9] ~= '' and '=' .. (found[3] or '') ~= ARGV[9] then return {2} end
if hash(stands) ~= ARGV[1] then return {0, stands, hash(stands)} end
local till = later(stands, tonumber(ARGV[4]))
local text = ARGV[2] .. number(last + 1) .. ARGV[3]
refusal = append(ARGV[5], ARGV[6], 'put', text, till and number(till) or '', ARGV[7], ARGV[8])
if refusal then return refusal end
set(text, till)
return {1, till or false, last + 1}
`;

/**
 * The same for a marker alone, whose slot is not the feed's: ARGV: the SHA-1 of the value that stands or '', the new value,
 * the new expiry in epoch ms or ''. Answers [1, expiry or nil, SHA-1 of the new value], or as above.
 */
export const REPLACE_MARKER_ALONE: string = `${READING}${NUMBER}${SETTING}
local stands, refusal = value(KEYS[1])
if refusal then return refusal end
if hash(stands) ~= ARGV[1] then return {0, stands, hash(stands)} end
local till = later(stands, tonumber(ARGV[3]))
set(ARGV[2], till)
return {1, till or false, hash(ARGV[2])}
`;

/**
 * Tells the feed alone: KEYS the head and the log; ARGV: the marker's key, 'put' or 'lift', the value before its seq and
 * after it, its expiry in epoch ms or '', the target's name, '1' or '' as above, a link, an epoch should one begin.
 * Answers the seq.
 */
export const APPEND_ENTRY: string = `${appending("KEYS[1]", "KEYS[2]", "ARGV[1]")}
local _, last = head()
local text = ARGV[3]
if ARGV[4] ~= '' then text = text .. number(last + 1) .. ARGV[4] end
local refusal = append(ARGV[8], ARGV[9], ARGV[2], text, ARGV[5], ARGV[6], ARGV[7])
if refusal then return refusal end
_, last = head()
return last
`;

/**
 * Begins a feed in which nothing was told yet, where there is none: KEYS the head and the log; ARGV: an epoch and a link.
 * Answers 1 if it did.
 */
export const BEGIN_FEED: string = `
if redis.call('TYPE', KEYS[1]).ok == 'hash' and redis.call('HEXISTS', KEYS[1], 'link') == 1 then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'seq', '0', 'link', ARGV[2])
return 1
`;

/** Reads a marker: KEYS[1]. Answers [value or nil, its SHA-1, expiry in epoch ms or nil, 1 if of another type]. */
export const READ_MARKER: string = `${READING}
local stands, refusal = value(KEYS[1])
if refusal then return refusal end
if not stands then return {false, '', false, redis.call('EXISTS', KEYS[1])} end
return {stands, hash(stands), expiry(KEYS[1]), 0}
`;

/**
 * Deletes a marker if its value is still the one meant, and tells the feed: KEYS[1] the marker; ARGV: the value's SHA-1,
 * a link, an epoch should one begin, the target's name, what is told of the lift. Answers 1 if it did.
 */
export const DELETE_MARKER: string = `${READING}${APPENDING}
local stands, refusal = value(KEYS[1])
if refusal then return refusal end
if not stands or hash(stands) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1]) -- first, for it is done by a Redis without memory too
refusal = append(ARGV[2], ARGV[3], 'lift', ARGV[5], '', ARGV[4], '')
if refusal then return refusal end
return 1
`;

/**
 * Writes an entry of the feed that was lost, and what it did: KEYS as above; ARGV: the entry's epoch, seq, link, prev, op,
 * value, till, name, wait. Only right after the head that it followed on. Answers 1 if it did.
 */
export const REPLAY_ENTRY: string = `
local head = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'link')
if head[1] ~= ARGV[1] or tonumber(head[2]) ~= tonumber(ARGV[2]) - 1 or head[3] ~= ARGV[4] then return 0 end
local added = redis.pcall('XADD', KEYS[3], ARGV[2] .. '-0', 'epoch', ARGV[1], 'link', ARGV[3], 'prev', ARGV[4],
  'op', ARGV[5], 'key', KEYS[1], 'value', ARGV[6], 'till', ARGV[7], 'name', ARGV[8], 'wait', ARGV[9])
if type(added) == 'table' then return added end
if ARGV[5] ~= 'put' then
  redis.call('DEL', KEYS[1])
elseif ARGV[7] == '' then
  redis.call('SET', KEYS[1], ARGV[6])
else
  redis.call('SET', KEYS[1], ARGV[6], 'PXAT', ARGV[7])
end
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'seq', ARGV[2], 'link', ARGV[3])
return 1
`;

/**
 * Vouches for the server that runs this, if nothing is missing in it: KEYS the head, the log, the vouched and the keeper's
 * key; ARGV: epoch, seq and link of the last entry that must be there, '1' if this control plane remembers from before or
 * '', the run id it may vouch for or '', how long its sign lasts in ms. Who remembers nothing waits for those who do.
 * Answers the run id and 1 if it is vouched for, or nil where the server does not tell it.
 */
export const VOUCH: string = `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if not run then return false end
local function is_there()
  local head = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'link')
  if (head[1] or '') == ARGV[1] and tonumber(head[2] or 0) == tonumber(ARGV[2]) and (head[3] or '') == ARGV[3] then
    return true
  end
  local found = redis.pcall('XRANGE', KEYS[2], ARGV[2] .. '-0', ARGV[2] .. '-0')
  local fields = found[1] and found[1][2] or {}
  for i = 1, #fields, 2 do
    if fields[i] == 'link' then return fields[i + 1] == ARGV[3] end
  end
  return false
end
local vouched = redis.pcall('GET', KEYS[3]) == run
if not vouched and ARGV[5] == run and (ARGV[4] == '1' or redis.call('EXISTS', KEYS[4]) == 0) and is_there() then
  redis.call('SET', KEYS[3], run)
  vouched = true
end
if vouched or ARGV[4] == '1' then redis.call('SET', KEYS[4], '1', 'PX', ARGV[6]) end
return {run, vouched and 1 or 0}
`;

/** Writes a marker again as it stands, if it is of this value: KEYS[1]; ARGV: the value. Answers 1 if it did. */
export const CONFIRM_MARKER: string = `${READING}
local stands, refusal = value(KEYS[1])
if refusal then return refusal end
if stands ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], stands, 'KEEPTTL')
return 1
`;

/** The same for a marker alone: KEYS[1]; ARGV: the value's SHA-1. Answers 1 if it did. */
export const DELETE_MARKER_ALONE: string = `${READING}
local stands, refusal = value(KEYS[1])
if refusal then return refusal end
if not stands or hash(stands) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`;

/**
 * Reads the feed's head and any number of markers in one moment: KEYS[1] the head, then the markers. Answers [epoch,
 * seq, link (each nil where there is no feed yet), the store's time in epoch ms], then for each marker its value or nil,
 * its expiry in epoch ms or nil, and 1 if it is of another type.
 */
export const READ_MOMENT: string = `${READING}
local head = redis.pcall('HMGET', KEYS[1], 'epoch', 'seq', 'link')
if head.err then
  if not string.find(head.err, 'WRONGTYPE', 1, true) then return head end
  head = {false, false, false}
end
local now = redis.call('TIME')
head[4] = now[1] * 1000 + math.floor(now[2] / 1000)
for i = 2, #KEYS do
  local found = redis.pcall('GET', KEYS[i])
  local odd = 0
  if type(found) == 'table' then
    if not string.find(found.err, 'WRONGTYPE', 1, true) then return found end
    found = false
    odd = 1
  end
  head[#head + 1] = found
  head[#head + 1] = found and expiry(KEYS[i])
  head[#head + 1] = odd
end
return head
`;
