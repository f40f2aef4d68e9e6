/**
 * Takes a zone away whole. UNLINK frees the memory of a large one in the background.
 *
 *     KEYS  1 version   2 rrsets   3 journal   4 loads   5 deleted
 *     ARGV  1 stem of the `before` keys   2 channel   3 hint
 *     returns  1, or 0 when there was no such zone
 *
 * Where the zone stood is remembered: a zone that is missing without that was lost. Loads that are going on lose what they read from; their `before` keys go too, so that they notice.
 */
export const DELETE_ZONE_SCRIPT = {
  numberOfKeys: 5,
  lua: `
local version = redis.call('GET', KEYS[1])
if not version then return 0 end
redis.call('SET', KEYS[5], version)
for _, load in ipairs(redis.call('SMEMBERS', KEYS[4])) do redis.call('DEL', ARGV[1] .. load) end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
`,
} as const;
