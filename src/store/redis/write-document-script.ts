/**
 * Writes or deletes one document, and counts it: others see by the count, under the id that no document has, that
 * they have to read again.
 *
 *     KEYS  1 documents
 *     ARGV  1 id   2 channel   3 hint   4 the document, absent to delete it
 */
export const WRITE_DOCUMENT_SCRIPT = {
  numberOfKeys: 1,
  lua: `
redis.call('HINCRBY', KEYS[1], '', 1)
if ARGV[4] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[4]) else redis.call('HDEL', KEYS[1], ARGV[1]) end
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
`,
} as const;
