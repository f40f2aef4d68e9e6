/**
 * Hears of what other processes changed. Hints come over pub/sub within a millisecond or so, but it forgets what
 * nobody hears; so what there is, is compared with what the watchers have: a page of zones every few seconds, and all
 * of them whenever the subscription begins or comes back.
 */
import { randomInt } from "node:crypto";
import type { Redis } from "ioredis";
import { Limits } from "../../base/limits.ts";
import type { Name } from "../../wire/name.ts";
import {
  DOCUMENT_KINDS,
  type DocumentKind,
  type StoreWatcher,
  type ZoneVersion,
} from "../store.ts";
import { isSameVersion } from "../zone-version.ts";
import { isOlderHistory, parseDocumentHistory } from "./kept-documents.ts";
import { parseHint } from "./redis-hint.ts";
import { formatOrigin, parseOrigin, parseVersion, type RedisKeys } from "./redis-keys.ts";

export interface Watching {
  /** A connection of its own: one that subscribes can do nothing else. */
  readonly subscriber: Redis;
  readonly keys: RedisKeys;
  /** Marks our own hints, which are none for us. */
  readonly writer: string;
  /** What there is, read over the ordinary connection. */
  readonly source: WatchedSource;
  /** Redis has lost documents of this kind: it was emptied, or put back to an older copy. */
  readonly onLoss: (kind: DocumentKind) => void;
}

export interface WatchedSource {
  /** The next page of origins, from cursor "0" back to "0"; each that is always there comes at least once. */
  scanOrigins(cursor: string): Promise<readonly [cursor: string, origins: readonly string[]]>;
  /** As Redis holds them, in this order. */
  readVersions(origins: readonly Name[]): Promise<readonly (string | null)[]>;
  /** Of the documents of this kind, as Redis holds it; `null` when none were ever written, or all are lost. */
  readHistory(kind: DocumentKind): Promise<string | null>;
  /** Whether this node knows more of the documents than such a history has. */
  knowsMore(kind: DocumentKind, history: string | null): boolean;
}

export class RedisWatcher {
  readonly #watching: Watching;
  readonly #watchers = new Set<StoreWatcher>();
  /** Of each kind of documents, as it was seen last. */
  readonly #histories = new Map<DocumentKind, string | null>();
  /** Of this round: origins that came so far. */
  #seen = new Set<string>();
  #cursor = "0";
  /** Zones that did not come to where Redis has them: the same thing is told ever more seldom. */
  readonly #behind = new Map<string, { found: string | null; rounds: number }>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(watching: Watching) {
    this.#watching = watching;
    const { subscriber, keys } = watching;
    subscriber.on("error", () => {});
    subscriber.on("ready", () => {
      subscriber.subscribe(keys.changes).then(
        () => this.#compareSoon(0),
        () => {},
      );
    });
    subscriber.on("message", (_channel: string, hint: string) => this.#hear(hint));
  }

  add(watcher: StoreWatcher): () => void {
    const isFirst = this.#watchers.size === 0;
    this.#watchers.add(watcher);
    if (isFirst && this.#watching.subscriber.status === "wait") {
      this.#watching.subscriber.connect().catch(() => {});
      this.#compareSoon();
    }
    return () => this.#watchers.delete(watcher);
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#watchers.clear();
    this.#watching.subscriber.disconnect();
  }

  #hear(text: string): void {
    const hint = parseHint(text);
    if (hint === undefined || hint.writer === this.#watching.writer) return;
    if (hint.kind !== undefined) this.#tellDocuments(hint.kind);
    else this.#tellZone(hint.origin, (known) => isReached(known, hint.version));
  }

  #tellDocuments(kind: DocumentKind): void {
    for (const { documents } of this.#watchers) documents?.(kind);
  }

  #tellZone(origin: Name, isKnown: (known: ZoneVersion | undefined) => boolean): void {
    for (const { zones } of this.#watchers) {
      if (zones !== undefined && !isKnown(zones.version(origin))) zones.changed(origin);
    }
  }

  /** With no delay given, a page and then a pause; with none at all, everything at once. */
  #compareSoon(delayMs = pauseMs()): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#compare(delayMs === 0), delayMs);
    this.#timer.unref();
  }

  async #compare(isWhole: boolean): Promise<void> {
    try {
      if (isWhole) this.#beginRound();
      await this.#compareDocuments();
      do await this.#comparePage();
      while (isWhole && this.#cursor !== "0" && !this.#isStopped);
    } catch {
      // Whoever uses the store learns that it is down; the next comparison begins anew.
      this.#beginRound();
    }
    this.#compareSoon();
  }

  #beginRound(): void {
    this.#cursor = "0";
    this.#seen = new Set();
  }

  async #comparePage(): Promise<void> {
    const { source } = this.#watching;
    const [cursor, texts] = await source.scanOrigins(this.#cursor);
    const origins = texts.flatMap((text) => parseOrigin(text) ?? []);
    const versions = await source.readVersions(origins);
    for (const [at, origin] of origins.entries()) this.#compareZone(origin, versions[at] ?? null);
    this.#cursor = cursor;
    if (cursor === "0") this.#endRound();
  }

  #compareZone(origin: Name, found: string | null): void {
    const text = formatOrigin(origin);
    this.#seen.add(text);
    const version = found === null ? undefined : parseVersion(found);
    const isThere = (known: ZoneVersion | undefined) =>
      known === undefined || version === undefined
        ? known === undefined && found === null
        : isSameVersion(known, version);
    const isEverywhere = [...this.#watchers].every(
      ({ zones }) => zones === undefined || isThere(zones.version(origin)),
    );
    if (isEverywhere) this.#behind.delete(text);
    else if (this.#isTimeToTell(text, found)) this.#tellZone(origin, isThere);
  }

  /** In rounds 1, 2, 4, 8, …: what cannot be read stays so, and a log that repeats itself is not read either. */
  #isTimeToTell(text: string, found: string | null): boolean {
    const before = this.#behind.get(text);
    const rounds = before?.found === found ? before.rounds + 1 : 1;
    this.#behind.set(text, { found, rounds });
    return Number.isInteger(Math.log2(rounds));
  }

  /** Zones that a watcher has and that did not come are deleted, or made since the round began. */
  #endRound(): void {
    for (const { zones } of this.#watchers) {
      for (const origin of zones?.origins() ?? []) {
        if (!this.#seen.has(formatOrigin(origin))) zones?.changed(origin);
      }
    }
    this.#beginRound();
  }

  async #compareDocuments(): Promise<void> {
    const { source } = this.#watching;
    const histories = await Promise.all(DOCUMENT_KINDS.map((kind) => source.readHistory(kind)));
    for (const [at, kind] of DOCUMENT_KINDS.entries()) {
      this.#compareHistory(kind, histories[at] ?? null);
    }
  }

  #compareHistory(kind: DocumentKind, found: string | null): void {
    const before = this.#histories.get(kind) ?? null;
    if (found === before && !this.#watching.source.knowsMore(kind, found)) return;
    this.#histories.set(kind, found);
    const known = parseDocumentHistory(before ?? "");
    if (isOlderHistory(parseDocumentHistory(found ?? ""), known)) this.#watching.onLoss(kind);
    this.#tellDocuments(kind);
  }
}

/** Whether somebody who stands there need not hear of a step to this version. */
function isReached(known: ZoneVersion | undefined, version: ZoneVersion | undefined): boolean {
  if (known === undefined || version === undefined) return false;
  return known.sequence > version.sequence || isSameVersion(known, version);
}

/** Nodes that were started together do not look together. */
function pauseMs(): number {
  return randomInt(Limits.redisCompareMs * 0.75, Limits.redisCompareMs * 1.25);
}
