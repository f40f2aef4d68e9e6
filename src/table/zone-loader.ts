/** Building a whole zone beside the one that is being served, RRset by RRset in any order. */
import { assert } from "../base/assert.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { Type } from "../wire/code-points.ts";
import { equalNames, formatName, type Name } from "../wire/name.ts";
import { mayHoldNames } from "../wire/rdata.ts";
import { mergeRRsets, type RRset } from "../zone/rrset.ts";
import { PackCursor, type RRsetPack } from "../zone/rrset-pack.ts";
import { RRSET_TYPE, rrsetsWord, rrsetWords } from "./layout.ts";
import { LookupName } from "./lookup-name.ts";
import { checkLimits, type NodeDraft } from "./node-draft.ts";
import { countRRsets, findRRset } from "./node-search.ts";
import { readBlock } from "./rrset-block.ts";
import type { TableSpace } from "./table-space.ts";
import type { ZoneTree } from "./zone-tree.ts";

export interface ZoneLoader {
  /**
   * Adds an RRset; one of the same owner and rrtype is joined with it. Throws `bad-zone` and `limit` for this one,
   * `table-full` and, for what it is joined with, `limit` perhaps only with a later one.
   */
  add(rrset: RRset): void;
  /** Adds all of them, several times faster, and returns how many they are; throws as `add` does. The pack is of this zone. */
  addPack(pack: RRsetPack): number;
  /** Serves the new zone in the place of the old one, by one store. Throws `bad-zone` without a SOA. */
  publish(): void;
  /** Gives everything back. */
  abort(): void;
}

/** Octets of a packed RRset's body within which it is within every limit: an RR has at least two. */
const PLAIN_BODY = Limits.rrsetRecords * 2;

/** RRsets that wait to be added together. */
const BATCH = 32;

/**
 * Puts RRsets into a zone that no reader can see yet, a batch at a time: in a big zone each name's slot is a look
 * far away in memory, and looks that don't wait for each other take a tenth of the time.
 */
export class TreeFiller {
  readonly #space: TableSpace;
  readonly #tree: ZoneTree;
  readonly #draft: NodeDraft;
  /** The owners of `#rrsets`; grows to a batch and is used again. */
  readonly #names: LookupName[];
  readonly #rrsets: RRset[] = [];
  readonly #origin: LookupName;
  /** Where each RRset of a batch begins in its pack. */
  readonly #starts = new Int32Array(BATCH);
  #slots = 0;
  /** What went wrong with an RRset taken before: the zone will not be whole. */
  #failure: unknown;

  constructor(space: TableSpace, tree: ZoneTree, draft: NodeDraft, names: LookupName[]) {
    this.#space = space;
    this.#tree = tree;
    this.#draft = draft;
    this.#names = names;
    this.#origin = new LookupName(space.hashSeed);
    this.#origin.read(tree.origin, 0, tree.origin.length);
  }

  add(rrset: RRset): void {
    const name = this.#names[this.#rrsets.length] ?? this.#newName();
    if (!this.#tree.readOwner(name, rrset.owner)) throw outsideZone(rrset.owner, this.#tree.origin);
    checkLimits(rrset);
    this.#rrsets.push(rrset);
    if (this.#rrsets.length === BATCH) this.flush();
  }

  addPack(pack: RRsetPack): number {
    assert(equalNames(pack.origin, this.#tree.origin), "a pack is of its zone");
    this.flush();
    let added = 0;
    try {
      const cursor = new PackCursor(pack);
      const place = new PackCursor(pack);
      for (let count = BATCH; count === BATCH; ) {
        count = this.#readBatch(cursor);
        for (let at = 0; at < count; at++) {
          place.seek(this.#starts[at]!);
          this.#addPacked(this.#names[at]!, place);
        }
        added += count;
      }
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    return added;
  }

  /** The names of the next RRsets, each with a look at its slot; how many they are. */
  #readBatch(cursor: PackCursor): number {
    const { index } = this.#tree;
    const { bytes } = cursor;
    let count = 0;
    for (; count < BATCH && cursor.next(); count++) {
      const name = this.#names[count] ?? this.#newName();
      name.readBelow(bytes, cursor.owner, cursor.owner + cursor.ownerLength, this.#origin);
      this.#slots ^= index.firstSlot(name.hashes[0]!);
      this.#starts[count] = cursor.start;
    }
    return count;
  }

  #addPacked(name: LookupName, rrset: PackCursor): void {
    const { body, end, rrtype } = rrset;
    if (end - body > PLAIN_BODY || mayHoldNames(rrtype) || this.#tree.find(name, 0) !== 0) {
      const value = rrset.rrset();
      checkLimits(value);
      this.#add(name, value);
      return;
    }
    this.#linkParents(name);
    this.#begin(name, 0);
    this.#draft.putPacked(rrset);
    this.#link(name, 0);
  }

  /** Adds what waits. Throws again what was thrown before. */
  flush(): void {
    if (this.#failure !== undefined) throw this.#failure;
    const rrsets = this.#rrsets;
    const names = this.#names;
    const { index } = this.#tree;
    try {
      for (let at = 0; at < rrsets.length; at++) {
        this.#slots ^= index.firstSlot(names[at]!.hashes[0]!);
      }
      for (let at = 0; at < rrsets.length; at++) this.#add(names[at]!, rrsets[at]!);
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      rrsets.length = 0;
    }
  }

  #newName(): LookupName {
    const name = new LookupName(this.#space.hashSeed);
    this.#names.push(name);
    return name;
  }

  #add(name: LookupName, rrset: RRset): void {
    const tree = this.#tree;
    const node = tree.find(name, 0);
    if (node !== 0) {
      tree.relink(node, this.#extend(name, node, rrset));
      return;
    }
    this.#linkParents(name);
    this.#begin(name, 0);
    this.#draft.put(rrset, tree.origin);
    this.#link(name, 0);
  }

  /** The node with one RRset more. */
  #extend(name: LookupName, node: number, rrset: RRset): number {
    const { words } = this.#space;
    const draft = this.#draft;
    const { origin } = this.#tree;
    const same = findRRset(words, node, rrset.rrtype);
    this.#begin(name, 0);
    keepOthers(draft, words, node, (rrtype) => rrtype !== rrset.rrtype);
    const existing = same === 0 ? undefined : readBlock(words, same, rrset.owner, origin);
    draft.put(mergeRRsets(existing, rrset), origin);
    return draft.store(this.#space);
  }

  /** Makes the empty non-terminals that the owner needs, from the top. */
  #linkParents(name: LookupName): void {
    let missing = 1;
    while (this.#tree.find(name, missing) === 0) missing++;
    for (let label = missing - 1; label >= 1; label--) {
      this.#begin(name, label);
      this.#link(name, label);
    }
  }

  #begin(name: LookupName, label: number): void {
    this.#draft.begin(name, label, this.#tree.relativeLength(name, label));
  }

  #link(name: LookupName, label: number): void {
    this.#tree.index.reserve(1);
    this.#tree.link(name, label, this.#draft.store(this.#space));
  }
}

/** Takes over the RRsets of these types from a node in the table. */
export function keepOthers(
  draft: NodeDraft,
  words: Int32Array,
  node: number,
  isKept: (rrtype: number) => boolean,
): void {
  let rrset = rrsetsWord(words, node);
  for (let left = countRRsets(words, node); left > 0; left--) {
    if (isKept(words[rrset + RRSET_TYPE]! & 0xffff)) draft.keep(words, rrset);
    rrset += rrsetWords(words, rrset);
  }
}

export function outsideZone(owner: Name, origin: Name): WindhoverError {
  const where = `${formatName(owner)} is not in zone ${formatName(origin)}`;
  return new WindhoverError(ErrorCode.badZone, `${where}: put it into the zone it belongs to`);
}

/** A zone is served only with its SOA (RFC 1035 §5.2). */
export function requireSoa(words: Int32Array, apex: number, origin: Name): void {
  if (findRRset(words, apex, Type.SOA) !== 0) return;
  throw missingSoa(origin);
}

export function missingSoa(origin: Name): WindhoverError {
  return new WindhoverError(
    ErrorCode.badZone,
    `zone ${formatName(origin)} has no SOA: give its origin one SOA record`,
  );
}
