/**
 * Remembers where a zone stood when it was deleted elsewhere, unless it is there, or was deleted here later than that.
 *
 *     KEYS  1 version   2 deleted
 *     ARGV  1 version   2 its sequence
 *     returns  1 when it is remembered, else 0
 */
export const REMEMBER_DELETED_SCRIPT = {
  numberOfKeys: 2,
  lua: `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local sequence = string.match(redis.call('GET', KEYS[2]) or '', '^1 %d+ (%d+)')
if sequence and tonumber(sequence) >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1])
return 1
`,
} as const;
