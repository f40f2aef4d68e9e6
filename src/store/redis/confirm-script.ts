/**
 * Writes a value over itself, so that a WAIT after it waits for everything that was written before, by whomever.
 *
 *     KEYS  1 version
 *     returns  the version, or false when there is no zone
 */
export const CONFIRM_SCRIPT = {
  numberOfKeys: 1,
  lua: `
local version = redis.call('GET', KEYS[1])
if version then redis.call('SET', KEYS[1], version) end
return version
`,
} as const;
