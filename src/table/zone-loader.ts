/** Building a whole zone beside the one that is being served, RRset by RRset in any order. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Type } from "../wire/code-points.ts";
import { formatName, type Name } from "../wire/name.ts";
import { mergeRRsets, type RRset } from "../zone/rrset.ts";
import { RRSET_TYPE, rrsetsWord, rrsetWords } from "./layout.ts";
import type { LookupName } from "./lookup-name.ts";
import type { NodeDraft } from "./node-draft.ts";
import { countRRsets, findRRset } from "./node-search.ts";
import { readBlock } from "./rrset-block.ts";
import type { TableSpace } from "./table-space.ts";
import type { ZoneTree } from "./zone-tree.ts";

export interface ZoneLoader {
  /** Adds an RRset; one of the same owner and rrtype is joined with it. Throws `table-full`, `limit`, `bad-zone`. */
  add(rrset: RRset): void;
  /** Serves the new zone in the place of the old one, by one store. Throws `bad-zone` without a SOA. */
  publish(): void;
  /** Gives everything back. */
  abort(): void;
}

/** Puts RRsets into a zone that no reader can see yet. */
export class TreeFiller {
  readonly #space: TableSpace;
  readonly #tree: ZoneTree;
  readonly #name: LookupName;
  readonly #draft: NodeDraft;

  constructor(space: TableSpace, tree: ZoneTree, name: LookupName, draft: NodeDraft) {
    this.#space = space;
    this.#tree = tree;
    this.#name = name;
    this.#draft = draft;
  }

  add(rrset: RRset): void {
    const tree = this.#tree;
    const name = this.#name;
    if (!tree.readOwner(name, rrset.owner)) throw outsideZone(rrset.owner, tree.origin);
    const node = tree.find(name, 0);
    if (node !== 0) {
      tree.relink(node, this.#extend(node, rrset));
      return;
    }
    this.#linkParents();
    this.#begin(0);
    this.#draft.put(rrset, tree.origin);
    this.#link(0);
  }

  /** The node with one RRset more. */
  #extend(node: number, rrset: RRset): number {
    const { words } = this.#space;
    const draft = this.#draft;
    const { origin } = this.#tree;
    const same = findRRset(words, node, rrset.rrtype);
    this.#begin(0);
    keepOthers(draft, words, node, (rrtype) => rrtype !== rrset.rrtype);
    const existing = same === 0 ? undefined : readBlock(words, same, rrset.owner, origin);
    draft.put(mergeRRsets(existing, rrset), origin);
    return draft.store(this.#space);
  }

  /** Makes the empty non-terminals that the owner needs, from the top. */
  #linkParents(): void {
    let missing = 1;
    while (this.#tree.find(this.#name, missing) === 0) missing++;
    for (let label = missing - 1; label >= 1; label--) {
      this.#begin(label);
      this.#link(label);
    }
  }

  #begin(label: number): void {
    this.#draft.begin(this.#name, label, this.#tree.relativeLength(this.#name, label));
  }

  #link(label: number): void {
    this.#tree.index.reserve(1);
    this.#tree.link(this.#name, label, this.#draft.store(this.#space));
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
