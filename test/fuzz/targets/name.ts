/** Names at any place of any octets: three readers agree, text gives them back, and steps stay in proportion. */
import { toHex } from "../../../src/base/bytes.ts";
import { ErrorCode, WindhoverError } from "../../../src/base/errors.ts";
import { Limits } from "../../../src/base/limits.ts";
import { LookupName } from "../../../src/table/lookup-name.ts";
import { nameEnd } from "../../../src/wire/message-walk.ts";
import {
  canonicalName,
  compareNames,
  formatName,
  labelCount,
  parseWireName,
  wireNameLength,
} from "../../../src/wire/name.ts";
import { MessageReader } from "../../../src/wire/reader.ts";
import { countReads } from "../counted-octets.ts";
import { mutatePacket } from "../packet-mutator.ts";
import { seedOf } from "../random.ts";
import { messageSeeds } from "../seed-messages.ts";
import { type FuzzTarget, must } from "../target.ts";

/** Every octet of the longest name twice, its length octets once more, and both octets of each pointer. */
const READS = 2 * Limits.nameLength + Limits.labels + 2 * (Limits.pointerHops + 1);

const lookup = new LookupName(0x5eed);

export const nameTarget: FuzzTarget = {
  name: "name",
  seeds: messageSeeds(),
  mutate: mutatePacket,
  check(input) {
    const start = seedOf(input);
    for (let turn = 0; turn < 12; turn++)
      checkAt(input, (start + turn * 7919) % (input.length + 1));
    checkAt(input, Math.min(12, input.length));
  },
};

function checkAt(input: Uint8Array, offset: number): void {
  const { octets, reads } = countReads(input);
  const reader = new MessageReader(octets, offset);
  const name = readOrRefuse(() => reader.name());
  must(reads() <= READS, `a name took ${reads()} reads`);
  const skipped = new MessageReader(input, offset);
  const isSkipped = readOrRefuse(() => skipped.skipName() ?? true) === true;
  const end = nameEnd(input, offset, input.length);
  must(isSkipped ? end === skipped.offset : end === 0, `nameEnd says ${end} at ${offset}`);
  const plain = wireNameLength(input, offset);
  const folded = lookup.read(input, offset, input.length);
  must(plain === folded, `one reader says ${plain} octets, the other ${folded}`);
  if (name === undefined) {
    must(plain === 0, "an uncompressed name was refused");
    return;
  }
  must(isSkipped && end === reader.offset, "reading and skipping end at different places");
  if (plain > 0) must(plain === name.length, "it has two lengths");
  checkName(name);
}

function checkName(name: Uint8Array): void {
  must(wireNameLength(name, 0) === name.length, "what was read is no name");
  must(labelCount(name) < Limits.labels, "it has too many labels");
  const text = formatName(name);
  must(toHex(parseWireName(text)) === toHex(name), `${text} gives another name`);
  const canonical = canonicalName(name);
  must(compareNames(canonical, canonicalName(parseWireName(text))) === 0, "it is not itself");
}

function readOrRefuse<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WindhoverError && error.code === ErrorCode.badMessage) return undefined;
    throw error;
  }
}
