/**
 * One zone in the table as the writer changes it: its nodes, with empty non-terminals that come and go with their
 * descendants, and the flags by which a node tells of others. Callers obtain memory for nodes first; linking,
 * relinking and unlinking can't fail.
 */
import { assert } from "../base/assert.ts";
import type { Name } from "../wire/name.ts";
import { labelCount } from "../wire/name.ts";
import {
  copyOctets,
  NODE_CHILDREN,
  NODE_NAME,
  NODE_SHAPE,
  octetAt,
  wordsOf,
  ZONE_APEX,
  ZONE_HASH,
  ZONE_INDEX,
  ZONE_ORIGIN,
  ZONE_SIZE,
} from "./layout.ts";
import type { LookupName } from "./lookup-name.ts";
import { NameIndex } from "./name-index.ts";
import type { NodeDraft } from "./node-draft.ts";
import { countRRsets, findNode, isOrigin } from "./node-search.ts";
import { NodeFlag } from "./table-reader.ts";
import type { TableSpace } from "./table-space.ts";

/** What makes everything below a node occluded. */
const OCCLUDING = NodeFlag.delegation | NodeFlag.dname;
/** What a node passes on to the one that takes its place. */
const INHERITED = NodeFlag.occluded | NodeFlag.wildcardChild;

export class ZoneTree {
  readonly origin: Name;
  /** The zone's block. */
  readonly position: number;
  readonly index: NameIndex;
  readonly #space: TableSpace;
  readonly #words: Int32Array;
  readonly #originLabels: number;
  readonly #name: LookupName;
  #isPublished = false;
  #hasOccluding = false;
  /** Owners with data. */
  names = 0;
  rrsets = 0;
  /** Octets of nodes with data. */
  bytes = 0;

  /** A zone with nothing but an empty apex. `name` and `draft` are for use at any time. Throws `table-full`. */
  constructor(space: TableSpace, origin: Name, name: LookupName, draft: NodeDraft) {
    this.origin = origin;
    this.#space = space;
    this.#words = space.words;
    this.#originLabels = labelCount(origin);
    this.#name = name;
    name.read(origin, 0, origin.length);
    draft.begin(name, 0, 0);
    const made: number[] = [];
    try {
      made.push(draft.store(space));
      this.position = createZone(space, name);
      made.push(this.position);
      this.index = new NameIndex(space, this.position + ZONE_INDEX);
    } catch (error) {
      for (const block of made) space.release(block);
      throw error;
    }
    this.#words[this.position + ZONE_APEX] = made[0]!;
  }

  get apex(): number {
    return this.#words[this.position + ZONE_APEX]!;
  }

  /** From now on readers may hold any block of the zone. */
  markPublished(): void {
    this.#isPublished = true;
    this.index.isPublished = true;
  }

  /** Reads an owner; false when it is not the origin or below it. */
  readOwner(name: LookupName, owner: Uint8Array): boolean {
    assert(name.read(owner, 0, owner.length) === owner.length, "an owner is one whole name");
    const label = name.labels - this.#originLabels;
    return label >= 0 && isOrigin(this.#words, this.position, name, label);
  }

  find(name: LookupName, label: number): number {
    return findNode(this.#words, this.position, name, label);
  }

  /** Octets that the suffix at `label` has left of the origin. */
  relativeLength(name: LookupName, label: number): number {
    return name.length - name.offsets[label]! - this.origin.length;
  }

  flags(node: number): number {
    return this.#words[node + NODE_SHAPE]! & 0xff;
  }

  children(node: number): number {
    return this.#words[node + NODE_CHILDREN]!;
  }

  /** Links the new node of the suffix at `label`, whose parent is there. The index has room. */
  link(name: LookupName, label: number, node: number): void {
    const words = this.#words;
    const parent = this.find(name, label + 1);
    const isOccluded = (this.flags(parent) & (NodeFlag.occluded | OCCLUDING)) !== 0;
    this.#settle(node, isOccluded ? NodeFlag.occluded : 0);
    this.index.add(node);
    words[parent + NODE_CHILDREN]! += 1;
    if (isWildcardLabel(name, label))
      this.#storeFlags(parent, this.flags(parent) | NodeFlag.wildcardChild);
    this.#countNode(node, 1);
  }

  /** Puts a new node in the place of the old one. True when what lies below must be flagged again. */
  relink(old: number, node: number): boolean {
    const words = this.#words;
    words[node + NODE_CHILDREN] = words[old + NODE_CHILDREN]!;
    this.#settle(node, this.flags(old) & INHERITED);
    if (old === this.apex) Atomics.store(words, this.position + ZONE_APEX, node);
    else this.index.replace(old, node);
    const isToggled = isOccluding(this.flags(old)) !== isOccluding(this.flags(node));
    this.#countNode(node, 1);
    this.#countNode(old, -1);
    this.#drop(old);
    return isToggled && this.children(node) > 0;
  }

  /** Takes away a node without children, and the empty non-terminals that were there for it alone. */
  unlink(name: LookupName, label: number, node: number): void {
    const words = this.#words;
    const parent = this.find(name, label + 1);
    this.index.remove(node);
    this.#countNode(node, -1);
    this.#drop(node);
    words[parent + NODE_CHILDREN]! -= 1;
    if (isWildcardLabel(name, label)) {
      this.#storeFlags(parent, this.flags(parent) & ~NodeFlag.wildcardChild);
    }
    const isKept = (this.flags(parent) & (NodeFlag.data | NodeFlag.apex)) !== 0;
    if (!isKept && this.children(parent) === 0) this.unlink(name, label + 1, parent);
  }

  /**
   * Works out again which nodes are occluded, and so which are zone cuts: all below one of these owners (given
   * relative to the origin), or all there are.
   */
  flagOcclusion(owners?: readonly Uint8Array[]): void {
    if (!this.#hasOccluding) return;
    this.index.forEach((node) => {
      if (owners !== undefined && !owners.some((owner) => this.#endsIn(node, owner))) return;
      const inherited = this.flags(node) & NodeFlag.wildcardChild;
      const flags = inherited | (this.#isBelowOccluding(node) ? NodeFlag.occluded : 0);
      this.#settle(node, flags);
    });
  }

  nodeName(node: number): Name {
    return nodeName(this.#words, node, this.origin);
  }

  /** Frees all of it, once no reader can hold any. */
  retire(): void {
    this.#space.retireIndex(this.index.position);
    this.#space.retire(this.apex);
    this.#space.retire(this.position);
  }

  /** Frees all of a zone that was never published. */
  release(): void {
    this.#space.releaseIndex(this.index.position);
    this.#space.release(this.apex);
    this.#space.release(this.position);
  }

  /** Gives a node these flags that tell of others, beside its own. */
  #settle(node: number, relations: number): void {
    const relational = NodeFlag.occluded | NodeFlag.wildcardChild | NodeFlag.cut;
    const own = this.flags(node) & ~relational;
    if (isOccluding(own)) this.#hasOccluding = true;
    const isCut = (own & NodeFlag.delegation) !== 0 && (relations & NodeFlag.occluded) === 0;
    this.#storeFlags(node, own | relations | (isCut ? NodeFlag.cut : 0));
  }

  #storeFlags(node: number, flags: number): void {
    const shape = this.#words[node + NODE_SHAPE]!;
    if ((shape & 0xff) === flags) return;
    Atomics.store(this.#words, node + NODE_SHAPE, (shape & ~0xff) | flags);
  }

  #isBelowOccluding(node: number): boolean {
    const name = this.#name;
    const owner = this.nodeName(node);
    name.read(owner, 0, owner.length);
    for (let label = 1; label <= name.labels - this.#originLabels; label++) {
      if (isOccluding(this.flags(this.find(name, label)))) return true;
    }
    return false;
  }

  /** Whether the node's octets end in these; an owner below another always does. */
  #endsIn(node: number, owner: Uint8Array): boolean {
    const length = (this.#words[node + NODE_SHAPE]! >>> 16) & 0xff;
    const from = length - owner.length;
    if (from <= 0) return false;
    for (let at = owner.length - 1; at >= 0; at--) {
      if (octetAt(this.#words, node + NODE_NAME, from + at) !== owner[at]) return false;
    }
    return true;
  }

  #countNode(node: number, step: 1 | -1): void {
    const rrsets = countRRsets(this.#words, node);
    if (rrsets === 0) return;
    this.names += step;
    this.rrsets += step * rrsets;
    this.bytes += step * this.#space.blockBytes(node);
  }

  #drop(node: number): void {
    if (this.#isPublished) this.#space.retire(node);
    else this.#space.release(node);
  }
}

/** The owner of a node. */
export function nodeName(words: Int32Array, node: number, origin: Name): Name {
  const length = (words[node + NODE_SHAPE]! >>> 16) & 0xff;
  const name = new Uint8Array(length + origin.length);
  copyOctets(words, node + NODE_NAME, length, name, 0);
  name.set(origin, length);
  return name as Name;
}

function createZone(space: TableSpace, origin: LookupName): number {
  const { words } = space;
  const position = space.obtain(ZONE_ORIGIN + wordsOf(origin.length));
  words[position + ZONE_HASH] = origin.hashes[0]!;
  words[position + ZONE_SIZE] = origin.length | (origin.labels << 8);
  words.fill(0, position + ZONE_ORIGIN, position + ZONE_ORIGIN + wordsOf(origin.length));
  for (let at = 0; at < origin.length; at++) {
    words[position + ZONE_ORIGIN + (at >>> 2)]! |= origin.bytes[at]! << ((at & 3) << 3);
  }
  return position;
}

function isOccluding(flags: number): boolean {
  return (flags & OCCLUDING) !== 0;
}

function isWildcardLabel(name: LookupName, label: number): boolean {
  const at = name.offsets[label]!;
  return name.bytes[at] === 1 && name.bytes[at + 1] === 0x2a;
}
