/**
 * Begins a load: from here on commits keep what they overwrite, so that reading the zone piece by piece gives
 * one version of it, the one returned here.
 *
 *     KEYS  1 version   2 loads   3 before
 *     ARGV  1 load   2 seconds until a load that stopped reading is forgotten
 *     returns  the version, or false when there is no zone
 *
 * `before` exists while the load does: its empty field is no RRset's key.
 */
export const BEGIN_LOAD_SCRIPT = {
  numberOfKeys: 3,
  lua: `
local version = redis.call('GET', KEYS[1])
if not version then return false end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[2])
redis.call('HSET', KEYS[3], '', '')
redis.call('EXPIRE', KEYS[3], ARGV[2])
return version
`,
} as const;
