/**
 * Ends a load.
 *
 *     KEYS  1 before   2 loads
 *     ARGV  1 load
 *     returns  { key, value, … } of `before`, empty when the load was forgotten or its zone deleted
 */
export const END_LOAD_SCRIPT = {
  numberOfKeys: 2,
  lua: `
local before = redis.call('HGETALL', KEYS[1])
redis.call('UNLINK', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
return before
`,
} as const;
