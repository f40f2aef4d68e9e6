/**
 * One commit: version, RRsets and journal change together, or nothing does.
 *
 *     KEYS  1 version   2 rrsets   3 journal   4 loads
 *     ARGV  1 expected version   2 next version   3 journal entries to keep   4 stem of the `before` keys
 *           5 channel   6 hint   7 journal field   8 milliseconds: journal entries from before go
 *           9 journal entries that may go at most   10 n = journal entries, then n × (id, record)
 *           then r = RRsets that end, then r × key
 *           then key, value pairs to the end: RRsets as they are now
 *     returns  1 when committed, else the version there is, or false when there is no zone
 *
 * Redis does not undo a script that fails, so what could fail (a key of another kind, an entry out of order) is
 * tried before anything is written.
 *
 * Which journal entries go is what `countExpired` says (`journal-retention.ts`).
 *
 * While a load is going on, the value that an RRset had before its first change is kept for it, so that the load
 * sees the zone as it was when it began (`begin-load-script.ts`). "" stands for an RRset that was not there.
 */
export const COMMIT_SCRIPT = {
  numberOfKeys: 4,
  lua: `
local found = redis.call('GET', KEYS[1])
if found ~= ARGV[1] then return found end
redis.call('HLEN', KEYS[2])
redis.call('XLEN', KEYS[3])

local at = 11
local entries = tonumber(ARGV[10])
local ends_at = at + 2 * entries
local ends = tonumber(ARGV[ends_at])
local pairs_at = ends_at + 1 + ends

local function time_from(id)
  local item = redis.call('XRANGE', KEYS[3], id, '+', 'COUNT', 1)[1]
  local record = item and item[2][2] or ''
  if #record < 17 or string.byte(record) ~= 1 then return math.huge end
  local ms = 0
  for i = 10, 17 do ms = ms * 256 + string.byte(record, i) end
  return ms, tonumber(string.match(item[1], '%d+'))
end
local length = redis.call('XLEN', KEYS[3])
local most = tonumber(ARGV[9])
local expired = math.min(most, math.max(0, length + entries - tonumber(ARGV[3])))
local oldest_kept = tonumber(ARGV[8])
if oldest_kept > 0 then
  local ms, sequence = time_from('-')
  if expired > 0 and sequence then ms = time_from(string.format('%.0f-0', sequence + expired)) end
  while expired < math.min(most, length) and ms < oldest_kept do
    expired = expired + 1
    ms = time_from(string.format('%.0f-0', sequence + expired))
  end
end

local function keep(before, key)
  if redis.call('HEXISTS', before, key) == 0 then
    redis.call('HSET', before, key, redis.call('HGET', KEYS[2], key) or '')
  end
end
for _, load in ipairs(redis.call('SMEMBERS', KEYS[4])) do
  local before = ARGV[4] .. load
  if redis.call('EXISTS', before) == 1 then
    for i = ends_at + 1, ends_at + ends do keep(before, ARGV[i]) end
    for i = pairs_at, #ARGV, 2 do keep(before, ARGV[i]) end
  else
    redis.call('SREM', KEYS[4], load)
  end
end

for i = at, ends_at - 1, 2 do redis.call('XADD', KEYS[3], ARGV[i], ARGV[7], ARGV[i + 1]) end
for i = ends_at + 1, ends_at + ends do redis.call('HDEL', KEYS[2], ARGV[i]) end
for i = pairs_at, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
if expired > 0 then redis.call('XTRIM', KEYS[3], 'MAXLEN', length + entries - expired) end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 1
`,
} as const;
