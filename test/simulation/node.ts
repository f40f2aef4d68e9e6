/** One node of the simulated world: the real engine over a real table, with eyes on everything the table shows. */
import type { Clock } from "../../src/base/clock.ts";
import type { Logger } from "../../src/base/log.ts";
import { Header } from "../../src/table/layout.ts";
import { createTableMemory } from "../../src/table/table-memory.ts";
import { TableWriter } from "../../src/table/table-writer.ts";
import { createUpdateEngine, type ZoneEngine } from "../../src/update/update-engine.ts";
import { formatName, type Name, nameKey } from "../../src/wire/name.ts";
import { isSerialAfter } from "../../src/zone/serial.ts";
import type { Model, Version } from "./model.ts";
import { StoreClient, type StoreService } from "./simulated-store.ts";
import type { World } from "./world.ts";

const TABLE_BYTES = 256 * 1024;

export interface NodeParts {
  readonly world: World;
  readonly model: Model;
  readonly service: StoreService;
}

/** What a node shows of a zone: every version that looks like it. */
type Shown = readonly Version[];

export class SimulatedNode {
  readonly index: number;
  readonly #parts: NodeParts;
  /** What the node's clock is off. */
  skewMs = 0;
  engine: ZoneEngine | undefined;
  client: StoreClient | undefined;
  /** The engine has loaded its zones: doors are open. */
  isOpen = false;
  shown = new Map<string, Shown>();
  #life = 0;
  /** Deletions there had been when the table last showed something. */
  #deletionsSeen = 0;

  constructor(index: number, parts: NodeParts) {
    this.index = index;
    this.#parts = parts;
  }

  get isRunning(): boolean {
    return this.engine !== undefined;
  }

  start(): void {
    const { world, service } = this.#parts;
    const life = ++this.#life;
    const client = new StoreClient(service, this.index);
    const engine = createUpdateEngine({
      store: client,
      writer: this.#watchedTable(),
      clock: this.#clock(),
      log: this.#log(),
      defer: (run) => world.later({ node: this.index, label: "begins to commit", run }),
    });
    this.client = client;
    this.engine = engine;
    const isCurrent = () => this.#life === life;
    engine.start().then(
      () => {
        if (isCurrent()) this.isOpen = true;
      },
      () => {
        if (isCurrent()) this.crash();
      },
    );
  }

  /** `kill -9`: what it has sent may still arrive; all else is gone. Returns what was cut. */
  crash(): readonly string[] {
    const { world } = this.#parts;
    this.#life++;
    this.client?.end();
    this.client = undefined;
    this.engine = undefined;
    this.isOpen = false;
    this.shown = new Map();
    const survives = (label: string) => label.endsWith(" arrives") && !world.random.oneIn(3);
    const cut = world.pending.filter(({ node }) => node === this.index).map(({ label }) => label);
    world.forget(this.index, ({ label }) => survives(label));
    return cut;
  }

  #clock(): Clock {
    const { world } = this.#parts;
    return { nowMs: () => world.nowMs + this.skewMs, monotonicMs: () => world.steps };
  }

  #log(): Logger {
    const { world } = this.#parts;
    const say = (fields: object, message: string) => {
      const zone = "zone" in fields ? ` ${String(fields.zone)}` : "";
      const error = "error" in fields ? `: ${String(fields.error).split("\n")[0]}` : "";
      world.note(`node ${this.index} logs:${zone} ${message}${error}`);
      if (/is put back/.test(message)) this.#checkPutBack(zone.trim());
      if (/threw/.test(message)) world.fail(`${message}: ${String(Object(fields).error)}`);
    };
    const log: Logger = { debug: say, info: say, warn: say, error: say, child: () => log };
    return log;
  }

  /** The table's writer, with a look at the zone after everything that it shows. */
  #watchedTable() {
    const memory = createTableMemory(TABLE_BYTES);
    memory.words[Header.hashSeed] = 1;
    const writer = new TableWriter(memory);
    return {
      beginZone: (origin: Name) => {
        const loader = writer.beginZone(origin);
        const publish = () => {
          loader.publish();
          this.#look(origin, writer);
        };
        return { ...loader, publish };
      },
      publish: (...parameters: Parameters<TableWriter["publish"]>) => {
        writer.publish(...parameters);
        this.#look(parameters[0], writer);
      },
      dropZone: (origin: Name) => {
        this.#checkDrop(origin);
        writer.dropZone(origin);
      },
      view: (origin: Name) => writer.view(origin),
      snapshot: (origin: Name) => writer.snapshot(origin),
      zoneUsage: (origin: Name) => writer.zoneUsage(origin),
      get bytesLeft() {
        return writer.bytesLeft;
      },
    };
  }

  #look(origin: Name, writer: TableWriter): void {
    const { world, model } = this.#parts;
    const what = () => `node ${this.index}, ${formatName(origin)}`;
    const view = writer.view(origin);
    const now = view === undefined ? [] : model.versionsLike(view);
    world.check(now.length > 0, () => `${what()} shows what no version of the store was`);
    const before = this.shown.get(nameKey(origin));
    this.shown.set(nameKey(origin), now);
    this.#deletionsSeen = model.deletions.length;
    if (before === undefined || before.length === 0 || now.length === 0) return;
    this.#compare(before, now, what);
  }

  /** From what was shown to what is shown now. */
  #compare(before: Shown, now: Shown, what: () => string): void {
    const { world } = this.#parts;
    const from = before[0] as Version;
    const to = now[0] as Version;
    const goesOn = from.serial === to.serial || isSerialAfter(to.serial, from.serial);
    world.check(goesOn, () => `${what()} goes from serial ${from.serial} back to ${to.serial}`);
    const reported = this.engine?.recovery.waiting() ?? [];
    const missing = before.map((each) =>
      now.map((other) => this.#parts.model.missingReports(each, other, reported)),
    );
    if (!this.#canTell(from)) return;
    const least = missing.flat().toSorted((a, b) => a.length - b.length)[0] ?? [];
    world.check(least.length === 0, () => {
      const keys = least.map((key) => JSON.stringify(key)).join(", ");
      return `${what()} drops what was acknowledged without a word: ${keys}`;
    });
  }

  /**
   * Whether the store's history leaves the shown version visibly: at numbers that are not above its own, or in a journal
   * that reaches back to it. Elsewhere a node cannot know, and takes the store's zone for what became of its own.
   */
  #canTell({ zone, sequence }: Version): boolean {
    const { model, service } = this.#parts;
    const stored = service.state.zones.get(zone);
    if (stored === undefined) return false;
    if (stored.version.sequence <= sequence) return true;
    const creation = model.creationOf(stored.version);
    return stored.journal.has(sequence + 1) && creation <= sequence;
  }

  /** Nothing comes back that the store knows to be deleted, and has known for a while. */
  #checkPutBack(name: string): void {
    const { world, model, service } = this.#parts;
    for (const [zone, shown] of this.shown) {
      const deleted = service.state.deleted.get(zone);
      if (shown.some(({ origin }) => formatName(origin) !== name)) continue;
      if (service.state.zones.has(zone) || deleted === undefined) continue;
      if (model.stepsSinceDeletion(zone) < 60 || shown.length === 0) continue;
      const isEnded = shown.every(({ sequence }) => deleted.version.sequence >= sequence);
      world.check(!isEnded, () => `node ${this.index} puts a deleted zone back`);
    }
  }

  #checkDrop(origin: Name): void {
    const { world, model } = this.#parts;
    const before = this.shown.get(nameKey(origin)) ?? [];
    this.shown.delete(nameKey(origin));
    const isOwn = model.deletions.length > this.#deletionsSeen;
    const isDeleted =
      isOwn ||
      before.some((each) =>
        model.deletions.some((end) => end.zone === each.zone && end.sequence >= each.sequence),
      );
    const name = formatName(origin);
    world.check(
      before.length === 0 || isDeleted,
      () => `node ${this.index} drops ${name}, which nobody deleted`,
    );
  }
}
