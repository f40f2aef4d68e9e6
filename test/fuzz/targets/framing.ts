/** Streams cut anywhere: the messages that come out are those that a naive look at the whole stream finds. */
import { concatBytes, toHex } from "../../../src/base/bytes.ts";
import { frameMessage, StreamFramer } from "../../../src/server/stream-framer.ts";
import { mutatePacket } from "../packet-mutator.ts";
import { Random, seedOf } from "../random.ts";
import { messageSeeds } from "../seed-messages.ts";
import { type FuzzTarget, must } from "../target.ts";

export const framingTarget: FuzzTarget = {
  name: "framing",
  seeds: messageSeeds(),
  mutate: mutateStream,
  check(input) {
    const random = new Random(seedOf(input));
    const framer = new StreamFramer();
    const messages: Uint8Array[] = [];
    for (let at = 0; at < input.length; ) {
      const longest = random.pick([1, 2, 3, 40, 2000, 70_000]);
      const next = Math.min(at + 1 + random.below(longest), input.length);
      framer.push(input.slice(at, next));
      at = next;
      // Whoever is busy asks for messages later.
      if (random.oneIn(4)) continue;
      for (let each = framer.next(); each !== undefined; each = framer.next()) messages.push(each);
    }
    for (let each = framer.next(); each !== undefined; each = framer.next()) messages.push(each);
    const { expected, rest } = splitStream(input);
    must(
      messages.length === expected.length,
      `${messages.length} messages, not ${expected.length}`,
    );
    for (const [at, each] of expected.entries()) {
      must(toHex(messages[at] as Uint8Array) === toHex(each), `message ${at} is another`);
    }
    must(framer.isPartial === rest > 0, "it does not know whether a message has begun");
  },
};

/** Some messages with their lengths, and now and then a length that is wrong, zero, or longer than what follows. */
export function mutateStream(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let left = 1 + random.below(8); left > 0; left--) {
    const framed = frameMessage(random.oneIn(2) ? random.pick(seeds) : mutatePacket(random, seeds));
    if (random.oneIn(8)) framed[random.below(2)] = random.u32();
    parts.push(random.oneIn(12) ? framed.slice(0, random.below(framed.length)) : framed);
  }
  return concatBytes(parts);
}

export function splitStream(stream: Uint8Array): { expected: Uint8Array[]; rest: number } {
  const expected: Uint8Array[] = [];
  let at = 0;
  while (at + 2 <= stream.length) {
    const end = at + 2 + ((stream[at] as number) << 8) + (stream[at + 1] as number);
    if (end > stream.length) break;
    expected.push(stream.slice(at + 2, end));
    at = end;
  }
  return { expected, rest: stream.length - at };
}
