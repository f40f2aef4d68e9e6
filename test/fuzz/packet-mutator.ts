/**
 * Spoils messages as an attacker would who knows the format: bits and octets, but also counts, lengths, pointers,
 * types and classes, records moved, repeated and taken from elsewhere, OPT and TSIG where they may not be.
 */
import { concatBytes } from "../../src/base/bytes.ts";
import { HEADER_LENGTH, Type } from "../../src/wire/code-points.ts";
import { HeaderOffset, u16At } from "../../src/wire/message-walk.ts";
import { RR_TYPES } from "../../src/wire/rr-types.ts";
import { addToCount, layOut, type RecordSpan, replaced, setU16 } from "./packet-layout.ts";
import type { Random } from "./random.ts";

const LONGEST = 65_535;
const META_TYPES = [0, 41, 128, 248, 249, 250, 251, 252, 253, 254, 255, 256, 65_280, 65_535];
const TYPES = [...RR_TYPES.map(({ rrtype }) => rrtype), ...META_TYPES];
const CLASSES = [0, 1, 1, 3, 4, 254, 254, 255, 255, 0x8001, 1232, 65_535];
const WORDS = [0, 1, 2, 11, 12, 63, 64, 127, 128, 255, 256, 0x3fff, 0x4000, 0x7fff, 0x8000, 0xffff];
const OCTETS = [0, 1, 2, 0x0c, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xc1, 0xfe, 0xff];

type Mutation = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

/** One to eight mutations of one of the seeds; sometimes octets that never were a message. */
export function mutatePacket(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  if (random.oneIn(50)) return random.octets(random.below(600));
  let bytes: Uint8Array = random.pick(seeds).slice();
  const times = random.oneIn(20) ? 0 : 1 + random.below(random.oneIn(3) ? 8 : 2);
  for (let time = 0; time < times; time++) {
    bytes = random.pick(MUTATIONS)(bytes, random, seeds);
    if (bytes.length > LONGEST) bytes = bytes.slice(0, LONGEST);
  }
  return bytes;
}

const flipBit: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
  return bytes;
};

const setOctet: Mutation = (bytes, random) => {
  if (bytes.length > 0) bytes[random.below(bytes.length)] = random.pick(OCTETS);
  return bytes;
};

const setWord: Mutation = (bytes, random) => {
  if (bytes.length > 1) setU16(bytes, random.below(bytes.length - 1), random.pick(WORDS));
  return bytes;
};

const changeFlags: Mutation = (bytes, random) => {
  if (bytes.length < HEADER_LENGTH) return bytes;
  const opcode = random.pick([0, 0, 1, 2, 4, 5, 5, 6, 15]);
  bytes[2] = (bytes[2]! & 0x07) | (opcode << 3) | (random.oneIn(10) ? 0x80 : 0);
  if (random.oneIn(3)) bytes[3] = random.u32();
  return bytes;
};

const changeCount: Mutation = (bytes, random) => {
  if (bytes.length < HEADER_LENGTH) return bytes;
  const section = random.below(4) - 1;
  if (random.oneIn(2)) addToCount(bytes, section, random.oneIn(2) ? 1 : -1);
  else setU16(bytes, HeaderOffset.answers + 2 * section, random.pick(WORDS));
  return bytes;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length + 1));

const extend: Mutation = (bytes, random) =>
  concatBytes([bytes, random.octets(1 + random.below(random.oneIn(50) ? 60_000 : 40))]);

const splice: Mutation = (bytes, random, others) => {
  const other = random.pick(others);
  const head = bytes.subarray(0, random.below(bytes.length + 1));
  return concatBytes([head, other.subarray(random.below(other.length + 1))]);
};

const dropOctets: Mutation = (bytes, random) => {
  const from = random.below(bytes.length);
  return replaced(bytes, from, from + random.below(8), new Uint8Array(0));
};

const insertOctets: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1);
  return replaced(bytes, at, at, random.octets(1 + random.below(8)));
};

/** A pointer to itself, forwards, into the header, into a label, or to a name that was there. */
const insertPointer: Mutation = (bytes, random) => {
  if (bytes.length < HEADER_LENGTH + 2) return bytes;
  const { records, questionEnd } = layOut(bytes);
  const places = [
    12,
    questionEnd - 5,
    ...records.flatMap((each) => [each.start, each.fields + 10]),
  ];
  const at = Math.min(Math.max(random.pick(places), 0), bytes.length - 2);
  const target = random.pick([at, at + 2, at - 1, 0, 11, 12, 13, random.below(bytes.length)]);
  const pointer = Uint8Array.of(0xc0 | ((target >> 8) & 0x3f), target & 0xff);
  return replaced(bytes, at, random.oneIn(2) ? at + 2 : at, pointer);
};

/** A label of 63, 64 or more octets, or so many that the name is too long. */
const insertLabels: Mutation = (bytes, random) => {
  if (bytes.length < HEADER_LENGTH) return bytes;
  const label = Uint8Array.of(random.pick([1, 62, 63, 63, 64, 65, 127, 191]), ...random.octets(63));
  const labels = Array.from({ length: 1 + random.below(5) }, () => label);
  const at = random.oneIn(2) ? 12 : random.pick([...layOut(bytes).records.map((r) => r.start), 12]);
  return replaced(bytes, at, at, concatBytes(labels));
};

/** Mutations of one record; nothing where there is none. */
function ofRecord(
  mutate: (
    bytes: Uint8Array,
    record: RecordSpan,
    random: Random,
    others: readonly Uint8Array[],
  ) => Uint8Array,
): Mutation {
  return (bytes, random, others) => {
    const { records } = layOut(bytes);
    return records.length === 0 ? bytes : mutate(bytes, random.pick(records), random, others);
  };
}

const changeLength = ofRecord((bytes, { fields }, random) => {
  const length = u16At(bytes, fields + 8);
  setU16(bytes, fields + 8, random.oneIn(2) ? random.pick(WORDS) : length + random.below(9) - 4);
  return bytes;
});

const changeType = ofRecord((bytes, { fields }, random) => {
  setU16(bytes, fields, random.pick(TYPES));
  return bytes;
});

const changeClass = ofRecord((bytes, { fields }, random) => {
  setU16(bytes, fields + 2, random.pick(CLASSES));
  return bytes;
});

const changeTtl = ofRecord((bytes, { fields }, random) => {
  const ttl = random.pick([0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]);
  setU16(bytes, fields + 4, ttl >>> 16);
  setU16(bytes, fields + 6, ttl & 0xffff);
  return bytes;
});

/** New rdata of any length that the record's length knows of. */
const changeRdata = ofRecord((bytes, { fields, end }, random) => {
  const rdata = random.octets(random.below(random.oneIn(8) ? 600 : 40));
  const changed = replaced(bytes, fields + 10, end, rdata);
  setU16(changed, fields + 8, rdata.length);
  return changed;
});

const repeatRecord = ofRecord((bytes, { section, start, end }, random) => {
  const times = random.oneIn(20) ? random.below(300) : 1;
  const copies = Array.from({ length: times }, () => bytes.subarray(start, end));
  const changed = replaced(bytes, end, end, concatBytes(copies));
  if (!random.oneIn(4)) addToCount(changed, section, times);
  return changed;
});

const dropRecord = ofRecord((bytes, { section, start, end }, random) => {
  const changed = replaced(bytes, start, end, new Uint8Array(0));
  if (!random.oneIn(4)) addToCount(changed, section, -1);
  return changed;
});

/** To the front of all records, the end, or another section: OPT and TSIG among them. */
const moveRecord = ofRecord((bytes, { section, start, end }, random) => {
  const record = bytes.slice(start, end);
  const without = replaced(bytes, start, end, new Uint8Array(0));
  const { questionEnd } = layOut(bytes);
  const place = random.oneIn(2) ? Math.min(questionEnd, without.length) : without.length;
  const changed = replaced(without, place, place, record);
  const to = random.pick([section, 0, 1, 2]);
  addToCount(changed, section, -1);
  addToCount(changed, to, 1);
  return changed;
});

/** A record of another message, or one made up. */
const insertRecord: Mutation = (bytes, random, others) => {
  if (bytes.length < HEADER_LENGTH) return bytes;
  const other = random.pick(others);
  const { records } = layOut(other);
  const record =
    records.length > 0 && random.oneIn(2) ? cut(other, random.pick(records)) : makeRecord(random);
  const own = layOut(bytes);
  const at = random.pick([own.questionEnd, bytes.length, ...own.records.map(({ end }) => end)]);
  const changed = replaced(bytes, at, at, record);
  addToCount(changed, random.below(3), 1);
  return changed;
};

function cut(bytes: Uint8Array, { start, end }: RecordSpan): Uint8Array {
  return bytes.subarray(start, end);
}

function makeRecord(random: Random): Uint8Array {
  const rrtype = random.oneIn(3) ? random.pick([Type.OPT, Type.TSIG]) : random.pick(TYPES);
  const rdata = random.octets(random.below(30));
  const record = new Uint8Array(12 + rdata.length);
  record.set([0xc0, 12]);
  setU16(record, 2, rrtype);
  setU16(record, 4, random.pick(CLASSES));
  setU16(record, 10, rdata.length);
  record.set(rdata, 12);
  return rrtype === Type.OPT && random.oneIn(2)
    ? concatBytes([Uint8Array.of(0), record.subarray(2)])
    : record;
}

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setOctet,
  setWord,
  changeFlags,
  changeCount,
  truncate,
  extend,
  splice,
  dropOctets,
  insertOctets,
  insertPointer,
  insertPointer,
  insertLabels,
  changeLength,
  changeType,
  changeClass,
  changeTtl,
  changeRdata,
  repeatRecord,
  dropRecord,
  moveRecord,
  insertRecord,
];
