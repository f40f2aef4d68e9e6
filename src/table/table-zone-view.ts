/** A zone in the table as the update engine, exports and transfers read it: RRsets as values, names whole. */
import type { Name } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { rrsetsWord, rrsetWords, slotPosition } from "./layout.ts";
import type { LookupName } from "./lookup-name.ts";
import { countRRsets, findRRset, isNodeOf } from "./node-search.ts";
import { readBlock } from "./rrset-block.ts";
import type { TableSpace } from "./table-space.ts";
import { nodeName, type ZoneTree } from "./zone-tree.ts";

/** A zone as it was when the snapshot was taken. Nothing retired meanwhile is reused: close it soon. */
export interface ZoneSnapshot extends ZoneView {
  close(): void;
}

interface NodeSource {
  readonly words: Int32Array;
  readonly origin: Name;
  /** The owner's node; 0 when there is none. */
  find(owner: Name): number;
  nodes(): Iterable<number>;
}

/** The zone as it is at each call; empty while there is none. `owners` gives those of when it was called. */
export function liveView(
  space: TableSpace,
  origin: Name,
  name: LookupName,
  current: () => ZoneTree | undefined,
): ZoneView {
  return viewOf({
    words: space.words,
    origin,
    find: (owner) => {
      const tree = current();
      return tree?.readOwner(name, owner) === true ? tree.find(name, 0) : 0;
    },
    nodes: function* () {
      const tree = current();
      if (tree === undefined) return;
      const letGo = space.pin();
      try {
        yield* nodesOf(tree.apex, tree.index.copySlots());
      } finally {
        letGo();
      }
    },
  });
}

/** The zone as it is now, whatever is published later. */
export function snapshotView(space: TableSpace, name: LookupName, tree: ZoneTree): ZoneSnapshot {
  const { words } = space;
  const letGo = space.pin();
  const apex = tree.apex;
  const slots = tree.index.copySlots();
  const view = viewOf({
    words,
    origin: tree.origin,
    find: (owner) => {
      if (!tree.readOwner(name, owner)) return 0;
      const length = tree.relativeLength(name, 0);
      return length === 0 ? apex : findInSlots(words, slots, name, length);
    },
    nodes: () => nodesOf(apex, slots),
  });
  return { ...view, close: letGo };
}

function viewOf(source: NodeSource): ZoneView {
  const { words, origin } = source;
  return {
    origin,
    rrset: (owner, rrtype) => {
      const node = source.find(owner);
      const rrset = node === 0 ? 0 : findRRset(words, node, rrtype);
      return rrset === 0 ? undefined : readBlock(words, rrset, owner, origin);
    },
    rrsets: (owner) => {
      const node = source.find(owner);
      return node === 0 ? [] : readRRsets(words, node, owner, origin);
    },
    owners: function* () {
      for (const node of source.nodes()) {
        if (countRRsets(words, node) > 0) yield nodeName(words, node, origin);
      }
    },
  };
}

function readRRsets(words: Int32Array, node: number, owner: Name, origin: Name): RRset[] {
  let at = rrsetsWord(words, node);
  return Array.from({ length: countRRsets(words, node) }, () => {
    const rrset = readBlock(words, at, owner, origin);
    at += rrsetWords(words, at);
    return rrset;
  });
}

function* nodesOf(apex: number, slots: Int32Array): Iterable<number> {
  yield apex;
  for (const slot of slots) {
    const position = slotPosition(slot);
    if (position !== 0) yield position;
  }
}

/** The node of a whole name in slots copied from an index. */
function findInSlots(
  words: Int32Array,
  slots: Int32Array,
  name: LookupName,
  length: number,
): number {
  const mask = slots.length - 1;
  for (let at = name.hashes[0]! & mask; ; at = (at + 1) & mask) {
    const slot = slots[at]!;
    if (slot === 0) return 0;
    const node = slotPosition(slot);
    if (node !== 0 && isNodeOf(words, node, name, 0, length)) return node;
  }
}
