/**
 * Makes a zone visible that was put together under keys of its own, if there is no such zone yet.
 *
 *     KEYS  1 version   2 rrsets   3 journal   4 loads   5 made RRsets   6 made journal   7 deleted
 *     ARGV  1 version   2 number of RRsets   3 number of journal entries   4 sequence that the deletion must be before,
 *           or nothing where that does not matter   5 channel   6 hint
 *     returns  1 when made, 0 when the zone exists, -1 when what was made is not all there (it expired, or Redis was
 *              restarted and lost it), -2 when the zone was deleted at that sequence or a later one
 */
export const CREATE_ZONE_SCRIPT = {
  numberOfKeys: 7,
  lua: `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local ended = redis.call('GET', KEYS[7])
local sequence = ended and tonumber(string.match(ended, '^1 %d+ (%d+)')) or 0
if ARGV[4] ~= '' and sequence >= tonumber(ARGV[4]) then return -2 end
if redis.call('HLEN', KEYS[5]) ~= tonumber(ARGV[2]) then return -1 end
if redis.call('XLEN', KEYS[6]) ~= tonumber(ARGV[3]) then return -1 end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[7])
for made = 5, 6 do
  if redis.call('EXISTS', KEYS[made]) == 1 then
    redis.call('RENAME', KEYS[made], KEYS[made - 3])
    redis.call('PERSIST', KEYS[made - 3])
  end
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 1
`,
} as const;
