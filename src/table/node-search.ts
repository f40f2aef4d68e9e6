/**
 * Finding zones, nodes and RRsets in the table's words: what reader and writer share. Positions are word numbers;
 * 0 is none. No allocation, no atomics: see `layout.ts` for why plain loads do.
 */
import {
  equalOctets,
  Header,
  INDEX_MASK,
  INDEX_SLOTS,
  NODE_HASH,
  NODE_NAME,
  NODE_SHAPE,
  octetAt,
  RRSET_TYPE,
  rrsetsWord,
  rrsetWords,
  SLOT_EMPTY,
  slotPosition,
  ZONE_APEX,
  ZONE_HASH,
  ZONE_INDEX,
  ZONE_ORIGIN,
  ZONE_SIZE,
} from "./layout.ts";
import type { LookupName } from "./lookup-name.ts";

/** The deepest zone whose origin is the suffix at label `fromLabel` or an ancestor of it. */
export function findZone(words: Int32Array, name: LookupName, fromLabel: number): number {
  const directory = words[Header.directory]!;
  if (directory === 0) return 0;
  const last = name.labels - words[Header.labelsMin]!;
  let label = name.labels - words[Header.labelsMax]!;
  if (label < fromLabel) label = fromLabel;
  for (; label <= last; label++) {
    const zone = findOrigin(words, directory, name, label);
    if (zone !== 0) return zone;
  }
  return 0;
}

/** The zone whose origin is exactly the suffix at `label`. */
export function findOrigin(
  words: Int32Array,
  directory: number,
  name: LookupName,
  label: number,
): number {
  const hash = name.hashes[label]! | 0;
  const mask = words[directory + INDEX_MASK]!;
  const slots = directory + INDEX_SLOTS;
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    const slot = words[slots + at]!;
    if (slot === SLOT_EMPTY) return 0;
    const zone = slotPosition(slot);
    if (zone !== 0 && words[zone + ZONE_HASH] === hash && isOrigin(words, zone, name, label)) {
      return zone;
    }
  }
}

/** Whether the suffix at `label` is the zone's origin. */
export function isOrigin(
  words: Int32Array,
  zone: number,
  name: LookupName,
  label: number,
): boolean {
  const from = name.offsets[label]!;
  const length = words[zone + ZONE_SIZE]! & 0xff;
  return (
    name.length - from === length &&
    equalOctets(words, zone + ZONE_ORIGIN, name.bytes, from, length)
  );
}

/** The node of the suffix at `label`, which is the zone's origin or below it. */
export function findNode(words: Int32Array, zone: number, name: LookupName, label: number): number {
  const from = name.offsets[label]!;
  const length = name.length - (words[zone + ZONE_SIZE]! & 0xff) - from;
  if (length <= 0) return length === 0 ? words[zone + ZONE_APEX]! : 0;
  const hash = name.hashes[label]! | 0;
  const tag = hash >>> 29;
  const index = words[zone + ZONE_INDEX]!;
  const mask = words[index + INDEX_MASK]!;
  const slots = index + INDEX_SLOTS;
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    const slot = words[slots + at]!;
    if (slot === SLOT_EMPTY) return 0;
    if ((slot & 7) !== tag) continue;
    const node = slotPosition(slot);
    if (node !== 0 && isNodeOf(words, node, name, label, length)) return node;
  }
}

/** Whether the node is that of the suffix at `label`, of which `length` octets stand left of the origin. */
export function isNodeOf(
  words: Int32Array,
  node: number,
  name: LookupName,
  label: number,
  length: number,
): boolean {
  return (
    words[node + NODE_HASH] === (name.hashes[label]! | 0) &&
    ((words[node + NODE_SHAPE]! >>> 16) & 0xff) === length &&
    equalOctets(words, node + NODE_NAME, name.bytes, name.offsets[label]!, length)
  );
}

/** The node of `*.` and the suffix at `label`. */
export function findWildcard(
  words: Int32Array,
  zone: number,
  name: LookupName,
  label: number,
): number {
  const from = name.offsets[label]!;
  const length = name.length - (words[zone + ZONE_SIZE]! & 0xff) - from;
  if (length < 0) return 0;
  const hash = name.wildcardHash(label) | 0;
  const index = words[zone + ZONE_INDEX]!;
  const mask = words[index + INDEX_MASK]!;
  const slots = index + INDEX_SLOTS;
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    const slot = words[slots + at]!;
    if (slot === SLOT_EMPTY) return 0;
    const node = slotPosition(slot);
    if (
      node !== 0 &&
      words[node + NODE_HASH] === hash &&
      ((words[node + NODE_SHAPE]! >>> 16) & 0xff) === length + 2 &&
      isWildcardOf(words, node, name.bytes, from, length)
    ) {
      return node;
    }
  }
}

function isWildcardOf(
  words: Int32Array,
  node: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): boolean {
  const name = node + NODE_NAME;
  if (octetAt(words, name, 0) !== 1 || octetAt(words, name, 1) !== 0x2a) return false;
  for (let at = 0; at < length; at++) {
    if (octetAt(words, name, at + 2) !== bytes[from + at]) return false;
  }
  return true;
}

/** RRsets at a node. */
export function countRRsets(words: Int32Array, node: number): number {
  return (words[node + NODE_SHAPE]! >>> 8) & 0xff;
}

export function findRRset(words: Int32Array, node: number, rrtype: number): number {
  let rrset = rrsetsWord(words, node);
  for (let left = countRRsets(words, node); left > 0; left--) {
    if ((words[rrset + RRSET_TYPE]! & 0xffff) === rrtype) return rrset;
    rrset += rrsetWords(words, rrset);
  }
  return 0;
}
