/**
 * The one writer of the zone table. Zones are built beside the old ones and swapped in; changes are published
 * name by name; what they replace is retired until no reader can hold it.
 */
import { assert } from "../base/assert.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import { formatName, labelCount, type Name, nameKey } from "../wire/name.ts";
import type { RRsetChange } from "../zone/changeset.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import { Header } from "./layout.ts";
import { LookupName } from "./lookup-name.ts";
import { NameIndex } from "./name-index.ts";
import { NodeDraft } from "./node-draft.ts";
import { PublishPlan } from "./publish-plan.ts";
import type { TableMemory } from "./table-memory.ts";
import { TableSpace } from "./table-space.ts";
import { liveView, snapshotView, type ZoneSnapshot } from "./table-zone-view.ts";
import { requireSoa, TreeFiller, type ZoneLoader } from "./zone-loader.ts";
import { ZoneTree } from "./zone-tree.ts";

export interface TableUsage {
  readonly bytesReserved: number;
  /** Octets of blocks in use. */
  readonly bytesUsed: number;
  /** Octets of blocks that wait for readers to pass. */
  readonly bytesRetired: number;
  /** Owners with data. */
  readonly names: number;
  readonly rrsets: number;
  readonly zones: number;
}

/** What one zone takes. */
export interface ZoneUsage {
  /** Owners with data. */
  readonly names: number;
  readonly rrsets: number;
  /** Octets of names with data, their RRsets included. */
  readonly bytes: number;
}

export class TableWriter {
  readonly #space: TableSpace;
  readonly #words: Int32Array;
  readonly #directory: NameIndex;
  readonly #zones = new Map<string, ZoneTree>();
  /** Zones by the labels of their origins. */
  readonly #depths = new Uint32Array(Limits.labels);
  readonly #draft = new NodeDraft();
  /** For owners, and for what a tree works out meanwhile. */
  readonly #name: LookupName;
  readonly #treeName: LookupName;
  /** What the last loader left for the next: names to fill. */
  #batchNames: LookupName[][] = [];

  /** Only one writer per table, ever. */
  constructor(memory: TableMemory) {
    const { words } = memory;
    assert(words[Header.directory] === 0, "the table has no writer yet");
    this.#words = words;
    this.#space = new TableSpace(memory);
    this.#name = new LookupName(this.#space.hashSeed);
    this.#treeName = new LookupName(this.#space.hashSeed);
    this.#directory = new NameIndex(this.#space, Header.directory);
    this.#directory.isPublished = true;
    this.#storeDepths();
  }

  /** Begins a new zone, or a new version of one that is served until `publish`. Throws `table-full`, `limit`. */
  beginZone(origin: Name): ZoneLoader {
    this.#checkZones(origin);
    const tree = new ZoneTree(this.#space, origin, this.#treeName, this.#draft);
    const names = this.#batchNames.pop() ?? [];
    const filler = new TreeFiller(this.#space, tree, this.#draft, names);
    let isOpen = true;
    const close = () => {
      isOpen = false;
      this.#batchNames = [names];
    };
    return {
      add: (rrset) => {
        assert(isOpen, "the loader is open");
        filler.add(rrset);
      },
      addPack: (pack) => {
        assert(isOpen, "the loader is open");
        return filler.addPack(pack);
      },
      publish: () => {
        assert(isOpen, "the loader is open");
        filler.flush();
        requireSoa(this.#words, tree.apex, origin);
        this.#publishZone(tree);
        close();
      },
      abort: () => {
        if (!isOpen) return;
        tree.release();
        close();
      },
    };
  }

  /**
   * Gives RRsets their final state, all changes of a name at once; the last one counts where an RRset comes twice.
   * Throws `table-full`, `limit`, `bad-zone` or `no-such-zone` with nothing changed.
   */
  publish(origin: Name, changes: readonly RRsetChange[]): void {
    const tree = this.#zones.get(nameKey(origin));
    if (tree === undefined) throw noSuchZone(origin);
    const plan = new PublishPlan(this.#space, tree, this.#name, this.#draft);
    plan.prepare(changes);
    plan.show();
    this.#space.reclaimSome();
  }

  /** Stops serving a zone. False when there is none. */
  dropZone(origin: Name): boolean {
    const tree = this.#zones.get(nameKey(origin));
    if (tree === undefined) return false;
    this.#directory.remove(tree.position);
    this.#zones.delete(nameKey(origin));
    this.#depths[labelCount(origin)]! -= 1;
    this.#storeDepths();
    tree.retire();
    this.#space.reclaim();
    return true;
  }

  /** The zone as it is whenever the view is asked. */
  view(origin: Name): ZoneView | undefined {
    const key = nameKey(origin);
    if (!this.#zones.has(key)) return undefined;
    return liveView(this.#space, origin, this.#name, () => this.#zones.get(key));
  }

  /** The zone as it is now, for who reads it over some time. Memory is not reused until it is closed. */
  snapshot(origin: Name): ZoneSnapshot | undefined {
    const tree = this.#zones.get(nameKey(origin));
    return tree === undefined ? undefined : snapshotView(this.#space, this.#name, tree);
  }

  /** What a zone takes; nothing when there is none. */
  zoneUsage(origin: Name): ZoneUsage {
    const { names = 0, rrsets = 0, bytes = 0 } = this.#zones.get(nameKey(origin)) ?? {};
    return { names, rrsets, bytes };
  }

  /** Octets by which updates may let the table grow: what is durable must always have room to be shown. */
  get bytesLeft(): number {
    const { bytesUsed, bytesRetired } = this.#space;
    return Math.floor(this.#words.byteLength * Limits.tableUse) - bytesUsed - bytesRetired;
  }

  /** RRsets of a zone; 0 when there is none. */
  countRRsets(origin: Name): number {
    return this.#zones.get(nameKey(origin))?.rrsets ?? 0;
  }

  origins(): Name[] {
    return [...this.#zones.values()].map((tree) => tree.origin);
  }

  usage(): TableUsage {
    let names = 0;
    let rrsets = 0;
    for (const tree of this.#zones.values()) {
      names += tree.names;
      rrsets += tree.rrsets;
    }
    return {
      bytesReserved: this.#words.byteLength,
      bytesUsed: this.#space.bytesUsed,
      bytesRetired: this.#space.bytesRetired,
      names,
      rrsets,
      zones: this.#zones.size,
    };
  }

  /** Frees what readers have let go of; otherwise done now and then after a publish. */
  reclaim(): void {
    this.#space.reclaim();
  }

  /** Frees the slot of a thread that died while it was reading. */
  clearReader(slot: number): void {
    this.#space.clearReader(slot);
  }

  #publishZone(tree: ZoneTree): void {
    const key = nameKey(tree.origin);
    const old = this.#zones.get(key);
    if (old === undefined) {
      this.#checkZones(tree.origin);
      this.#directory.reserve(1);
    }
    tree.flagOcclusion();
    tree.markPublished();
    this.#zones.set(key, tree);
    if (old !== undefined) {
      this.#directory.replace(old.position, tree.position);
      old.retire();
    } else {
      this.#depths[labelCount(tree.origin)]! += 1;
      this.#storeDepths();
      this.#directory.add(tree.position);
    }
    this.#space.reclaim();
  }

  #checkZones(origin: Name): void {
    if (this.#zones.size < Limits.zones || this.#zones.has(nameKey(origin))) return;
    const problem = `more than ${Limits.zones} zones`;
    throw new WindhoverError(
      ErrorCode.limit,
      `${formatName(origin)}: ${problem}; drop some, or serve this one elsewhere`,
    );
  }

  /** The labels between which `findZone` looks. With no zone at all it looks nowhere. */
  #storeDepths(): void {
    const shortest = this.#depths.findIndex((zones) => zones > 0);
    const longest = this.#depths.findLastIndex((zones) => zones > 0);
    Atomics.store(this.#words, Header.labelsMin, shortest < 0 ? Limits.labels : shortest);
    Atomics.store(this.#words, Header.labelsMax, longest);
  }
}

function noSuchZone(origin: Name): WindhoverError {
  return new WindhoverError(
    ErrorCode.noSuchZone,
    `there is no zone ${formatName(origin)} here: create or import it first`,
  );
}
