/**
 * Stand-ins at the engine's seams: a table as plain maps, which writes down in which order it is called, a store
 * that fails when told to, a clock that stands still, and a log that is a list.
 */
import { ErrorCode, WindhoverError } from "../../src/base/errors.ts";
import type { Logger } from "../../src/base/log.ts";
import type { Store } from "../../src/store/store.ts";
import type { ZoneUsage } from "../../src/table/table-writer.ts";
import type { ZoneSnapshot } from "../../src/table/table-zone-view.ts";
import type { ZoneTable, ZoneTableLoader } from "../../src/update/zone-table.ts";
import { formatName, type Name, nameKey } from "../../src/wire/name.ts";
import type { RRsetChange } from "../../src/zone/changeset.ts";
import { type RRset, rdataBytes } from "../../src/zone/rrset.ts";
import { ZoneMap } from "../../src/zone/zone-map.ts";

export class MapTable implements ZoneTable {
  readonly zones = new Map<string, ZoneMap>();
  /** What happened, in order; shared with a store to see the order between them. */
  readonly events: string[];
  /** Thrown by the next publish. */
  failure: Error | undefined;

  constructor(events: string[] = []) {
    this.events = events;
  }

  beginZone(origin: Name): ZoneTableLoader {
    const zone = new ZoneMap(origin);
    return {
      add: (rrset: RRset) => zone.set({ owner: rrset.owner, rrtype: rrset.rrtype, rrset }),
      addPack: (pack) => {
        const rrsets = [...pack];
        for (const rrset of rrsets) zone.set({ ...rrset, rrset });
        return rrsets.length;
      },
      publish: () => {
        this.zones.set(nameKey(origin), zone);
        this.events.push("load");
      },
      abort: () => this.events.push("abort"),
    };
  }

  publish(origin: Name, changes: readonly RRsetChange[]): void {
    const failure = this.failure;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    const zone = this.zones.get(nameKey(origin));
    if (zone === undefined) throw new Error(`not in the table: ${formatName(origin)}`);
    for (const change of changes) zone.set(change);
    this.events.push("publish");
  }

  dropZone(origin: Name): void {
    this.zones.delete(nameKey(origin));
    this.events.push("drop");
  }

  view(origin: Name): ZoneMap | undefined {
    return this.zones.get(nameKey(origin));
  }

  /** Snapshots that are open. */
  snapshots = 0;

  snapshot(origin: Name): ZoneSnapshot | undefined {
    const zone = this.zones.get(nameKey(origin));
    if (zone === undefined) return undefined;
    const rrsets = [...zone.owners()].flatMap((owner) => zone.rrsets(owner));
    const copy = new ZoneMap(origin, rrsets);
    this.snapshots += 1;
    return {
      origin,
      rrset: (owner, rrtype) => copy.rrset(owner, rrtype),
      rrsets: (owner) => copy.rrsets(owner),
      owners: () => copy.owners(),
      close: () => {
        this.snapshots -= 1;
      },
    };
  }

  bytesLeft = Number.MAX_SAFE_INTEGER;

  zoneUsage(origin: Name): ZoneUsage {
    const zone = this.zones.get(nameKey(origin));
    const owners = [...(zone?.owners() ?? [])];
    const rrsets = owners.flatMap((owner) => zone?.rrsets(owner) ?? []);
    return {
      names: owners.length,
      rrsets: rrsets.length,
      bytes: rrsets.reduce((sum, each) => sum + rdataBytes(each), 0),
    };
  }
}

/** How a commit fails: nothing was done; all was done and only the answer was lost. */
export type Failure = "before" | "after";

export interface FaultyStore extends Store {
  /** Failures of the coming commits, in order; then they succeed. */
  readonly failures: Failure[];
  /** While set, nothing can be read or written. */
  isDown: boolean;
  /** While set, commits wait for it. */
  gate: Promise<void> | undefined;
  commits: number;
}

export function faultyStore(inner: Store, events: string[] = []): FaultyStore {
  const unavailable = () => new WindhoverError(ErrorCode.storeUnavailable, "connection lost");
  const store: FaultyStore = {
    failures: [],
    isDown: false,
    gate: undefined,
    commits: 0,
    ...(inner.confirm && { confirm: inner.confirm.bind(inner) }),
    listZones: () => inner.listZones(),
    listOrigins: () => inner.listOrigins(),
    findZone: async (origin) => {
      if (store.isDown) throw unavailable();
      return inner.findZone(origin);
    },
    createZone: (beginning, rrsets) => inner.createZone(beginning, rrsets),
    loadZone: async (origin) => {
      if (store.isDown) throw unavailable();
      return inner.loadZone(origin);
    },
    deletedVersion: (origin) => inner.deletedVersion(origin),
    listDeleted: () => inner.listDeleted(),
    rememberDeleted: (zone) => inner.rememberDeleted(zone),
    deleteZone: (origin) => inner.deleteZone(origin),
    commit: async (commit) => {
      store.commits++;
      await store.gate;
      const failure = store.failures.shift();
      if (store.isDown || failure === "before") throw unavailable();
      const outcome = await inner.commit(commit);
      events.push(`commit ${outcome.status}`);
      if (failure === "after") throw unavailable();
      return outcome;
    },
    readJournal: async (origin, range) => {
      if (store.isDown) throw unavailable();
      return inner.readJournal(origin, range);
    },
    watch: (watcher) => inner.watch(watcher),
    readDocuments: (kind) => inner.readDocuments(kind),
    writeDocument: (kind, id, json) => inner.writeDocument(kind, id, json),
    close: () => inner.close(),
  };
  return store;
}

export const standingClock = { nowMs: () => 1_700_000_000_000, monotonicMs: () => 0 };

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface ListLogger extends Logger {
  readonly lines: LogLine[];
}

export function listLogger(lines: LogLine[] = []): ListLogger {
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...fields } });
  };
  return {
    lines,
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: () => listLogger(lines),
  };
}

/** Lets everything that can happen without waiting for the outside happen. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000; turn++) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("it never came to be");
}
