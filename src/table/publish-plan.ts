/**
 * A set of changes to one zone, first prepared, then shown. Preparing builds every new node out of readers' sight
 * and makes room in the index, so it may find the table full and leave no trace; showing can't fail.
 *
 * Shown name by name: what is new from the top down, what changed, what ended from the bottom up, the apex last,
 * so that the new serial is seen only with the data it stands for.
 */

import { Type } from "../wire/code-points.ts";
import { labelCount, type Name, nameKey } from "../wire/name.ts";
import type { RRsetChange } from "../zone/changeset.ts";
import type { LookupName } from "./lookup-name.ts";
import type { NodeDraft } from "./node-draft.ts";
import { countRRsets, findRRset } from "./node-search.ts";
import type { TableSpace } from "./table-space.ts";
import { keepOthers, missingSoa, outsideZone } from "./zone-loader.ts";
import type { ZoneTree } from "./zone-tree.ts";

interface Step {
  readonly owner: Name;
  /** The node as it will be; for an owner whose data end, an empty one, in case it has descendants. */
  readonly node: number;
}

export class PublishPlan {
  readonly #space: TableSpace;
  readonly #tree: ZoneTree;
  readonly #name: LookupName;
  readonly #draft: NodeDraft;
  readonly #added: Step[] = [];
  readonly #changed: Step[] = [];
  readonly #ended: Step[] = [];
  #apex: Step | undefined;
  /** Owners in `#added`. */
  readonly #fresh = new Set<string>();
  /** Every node stored so far. */
  readonly #nodes: number[] = [];

  constructor(space: TableSpace, tree: ZoneTree, name: LookupName, draft: NodeDraft) {
    this.#space = space;
    this.#tree = tree;
    this.#name = name;
    this.#draft = draft;
  }

  /** Throws `table-full`, `limit` or `bad-zone`, with nothing changed. */
  prepare(changes: readonly RRsetChange[]): void {
    try {
      for (const group of groupByOwner(changes)) this.#prepareOwner(group);
      this.#tree.index.reserve(this.#added.length);
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  show(): void {
    const toggled: Uint8Array[] = [];
    for (const { owner, node } of this.#added) {
      this.#tree.readOwner(this.#name, owner);
      this.#tree.link(this.#name, 0, node);
    }
    for (const step of this.#changed) this.#relink(step, toggled);
    for (const step of this.#ended.reverse()) this.#end(step, toggled);
    if (this.#apex !== undefined) this.#relink(this.#apex, toggled);
    if (toggled.length > 0) this.#tree.flagOcclusion(toggled);
  }

  #prepareOwner(group: readonly RRsetChange[]): void {
    const tree = this.#tree;
    const name = this.#name;
    const { owner } = group[0] as RRsetChange;
    if (!tree.readOwner(name, owner)) throw outsideZone(owner, tree.origin);
    const old = tree.find(name, 0);
    this.#begin(0);
    this.#fill(old, group);
    if (this.#draft.rrsets === 0 && (old === 0 || countRRsets(this.#space.words, old) === 0))
      return;
    if (old === tree.apex) this.#apex = this.#step(owner);
    else if (this.#draft.rrsets === 0) this.#ended.push(this.#step(owner));
    else if (old !== 0) this.#changed.push(this.#step(owner));
    else this.#prepareNew(owner);
  }

  /** The node's RRsets as the changes leave them. */
  #fill(old: number, group: readonly RRsetChange[]): void {
    const { words } = this.#space;
    const draft = this.#draft;
    const { origin } = this.#tree;
    if (old !== 0) {
      keepOthers(draft, words, old, (rrtype) => group.every((change) => change.rrtype !== rrtype));
    }
    group.forEach(({ rrtype, rrset }, at) => {
      const isLast = !group.some((later, laterAt) => laterAt > at && later.rrtype === rrtype);
      if (rrset !== undefined && isLast) draft.put(rrset, origin);
    });
    if (old !== this.#tree.apex) return;
    const soa = group.findLast((change) => change.rrtype === Type.SOA);
    const hasSoa =
      soa === undefined ? findRRset(words, old, Type.SOA) !== 0 : soa.rrset !== undefined;
    if (!hasSoa) throw missingSoa(origin);
  }

  /** A new owner, after the empty non-terminals above it that are not there yet. */
  #prepareNew(owner: Name): void {
    const step = this.#step(owner);
    const name = this.#name;
    let top = 1;
    while (this.#tree.find(name, top) === 0 && !this.#fresh.has(this.#suffixKey(owner, top))) top++;
    for (let label = top - 1; label >= 1; label--) {
      this.#begin(label);
      this.#addFresh(this.#step(owner.subarray(name.offsets[label]) as Name));
    }
    this.#addFresh(step);
  }

  #addFresh(step: Step): void {
    this.#added.push(step);
    this.#fresh.add(nameKey(step.owner));
  }

  #suffixKey(owner: Name, label: number): string {
    return nameKey(owner.subarray(this.#name.offsets[label]) as Name);
  }

  #begin(label: number): void {
    this.#draft.begin(this.#name, label, this.#tree.relativeLength(this.#name, label));
  }

  #step(owner: Name): Step {
    const node = this.#draft.store(this.#space);
    this.#nodes.push(node);
    return { owner, node };
  }

  #relink({ owner, node }: Step, toggled: Uint8Array[]): void {
    this.#tree.readOwner(this.#name, owner);
    const isToggled = this.#tree.relink(this.#tree.find(this.#name, 0), node);
    if (isToggled) toggled.push(owner.subarray(0, owner.length - this.#tree.origin.length));
  }

  #end(step: Step, toggled: Uint8Array[]): void {
    this.#tree.readOwner(this.#name, step.owner);
    const old = this.#tree.find(this.#name, 0);
    if (this.#tree.children(old) > 0) {
      this.#relink(step, toggled);
      return;
    }
    this.#space.release(step.node);
    this.#tree.unlink(this.#name, 0, old);
  }

  #release(): void {
    for (const node of this.#nodes) this.#space.release(node);
  }
}

/** The changes of each owner together, owners with few labels first. */
function groupByOwner(changes: readonly RRsetChange[]): Iterable<readonly RRsetChange[]> {
  if (changes.length === 1) return [changes];
  const groups = new Map<string, RRsetChange[]>();
  for (const change of changes) {
    const key = nameKey(change.owner);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [change]);
    else group.push(change);
  }
  const depth = (group: readonly RRsetChange[]) => labelCount((group[0] as RRsetChange).owner);
  return [...groups.values()].sort((a, b) => depth(a) - depth(b));
}
