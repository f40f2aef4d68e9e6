/**
 * Makes a zone visible whose RRsets were loaded under a key of their own, if there is no such zone yet.
 *
 *     KEYS  1 version   2 rrsets   3 journal   4 creation   5 loads
 *     ARGV  1 version   2 number of RRsets   3 id of the first journal entry   4 its record
 *           5 channel   6 hint   7 journal field
 *     returns  1 when made, 0 when the zone exists, -1 when the loaded RRsets are not all there (they expired,
 *              or Redis was restarted and lost them)
 */
export const CREATE_ZONE_SCRIPT = {
  numberOfKeys: 5,
  lua: `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if redis.call('HLEN', KEYS[4]) ~= tonumber(ARGV[2]) then return -1 end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[5])
if tonumber(ARGV[2]) > 0 then
  redis.call('RENAME', KEYS[4], KEYS[2])
  redis.call('PERSIST', KEYS[2])
end
redis.call('XADD', KEYS[3], ARGV[3], ARGV[7], ARGV[4])
redis.call('SET', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 1
`,
} as const;
