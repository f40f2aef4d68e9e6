/**
 * Writes or deletes one document, and counts it: others see by the history, under the id that no document has, that
 * they have to read again. With a text to expect, only where the document is that: such a write restores.
 *
 * Returns the history as it is then.
 *
 *     KEYS  1 documents
 *     ARGV  1 id   2 channel   3 hint   4 mark for a history that begins   5 the document, empty to delete it
 *           6 as it must be, empty for absent; left out where it does not matter
 */
export const WRITE_DOCUMENT_SCRIPT = {
  numberOfKeys: 1,
  lua: `
local history = redis.call('HGET', KEYS[1], '') or '0'
local writes, restores, mark = string.match(history, '^(%d+) ?(%d*) ?(%x*)$')
if not writes then return redis.error_reply('WRONGTYPE the empty field does not count writes') end
if restores == '' then restores = '0' end
if mark == '' then mark = ARGV[4] end
if ARGV[6] then
  if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[6] then return history end
  restores = restores + 1
end
history = string.format('%.0f %.0f %s', writes + 1, restores, mark)
redis.call('HSET', KEYS[1], '', history)
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], ARGV[1], ARGV[5]) else redis.call('HDEL', KEYS[1], ARGV[1]) end
redis.call('PUBLISH', ARGV[2], ARGV[3])
return history
`,
} as const;
