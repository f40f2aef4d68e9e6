/**
 * The next piece of a load: RRsets as they were when it began.
 *
 *     KEYS  1 rrsets   2 before   3 loads
 *     ARGV  1 cursor   2 RRsets wanted   3 seconds until a load that stopped reading is forgotten
 *     returns  { next cursor, { key, value, … } }, or false when the load was forgotten or its zone deleted
 *
 * A key may come twice (HSCAN's promise is "at least once"). An RRset that ended since the load began may not
 * come at all: it is in `before`, which the caller reads at the end.
 */
export const CONTINUE_LOAD_SCRIPT = {
  numberOfKeys: 3,
  lua: `
if redis.call('EXPIRE', KEYS[2], ARGV[3]) == 0 then return false end
redis.call('EXPIRE', KEYS[3], ARGV[3])
local piece = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
if redis.call('HLEN', KEYS[2]) == 1 then return piece end
local found = {}
local rrsets = piece[2]
for i = 1, #rrsets, 2 do
  local kept = redis.call('HGET', KEYS[2], rrsets[i])
  if kept ~= '' then
    found[#found + 1] = rrsets[i]
    found[#found + 1] = kept or rrsets[i + 1]
  end
end
return { piece[1], found }
`,
} as const;
