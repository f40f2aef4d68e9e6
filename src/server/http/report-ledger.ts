/**
 * The last report accepted from each node, so that an old one played back changes nothing. A report that changed
 * an address is also kept in the store: after a restart, anything older than the last change is still refused,
 * and anything later says what the node says already.
 */
import { type Static, Type } from "@sinclair/typebox";
import type { Clock } from "../../base/clock.ts";
import { errorMessage } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";
import type { Logger } from "../../base/log.ts";
import { readDocument } from "../../identity/account-text.ts";
import type { Store } from "../../store/store.ts";
import { formatName, type Name } from "../../wire/name.ts";

export interface Report {
  /** Milliseconds since 1970, by the node's clock. */
  readonly timestampMs: number;
  readonly ip: string;
}

/** Document of kind `host`; its id is the host's name. */
const HostDocument = Type.Object({
  version: Type.Literal(1),
  lastReport: Type.Object({ timestampMs: Type.Number(), ip: Type.String() }),
});
type HostDocument = Static<typeof HostDocument>;

export type ReportVerdict = "accepted" | "older" | "off-clock";

export interface ReportLedgerParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ReportLedger {
  readonly #parts: ReportLedgerParts;
  /** In the order of the last report. */
  readonly #last = new Map<string, Report>();
  /** Hosts whose document cannot be read, and is therefore not written either. */
  readonly #unreadable = new Set<string>();

  constructor(parts: ReportLedgerParts) {
    this.#parts = parts;
  }

  async load(): Promise<void> {
    for (const { id, json } of await this.#parts.store.readDocuments("host")) {
      try {
        this.#remember(id, readDocument(HostDocument, json).lastReport);
      } catch (error) {
        this.#unreadable.add(id);
        const fields = { host: id, problem: errorMessage(error) };
        this.#parts.log.error(fields, "a stored host cannot be read; its last report is not known");
      }
    }
  }

  /**
   * Takes the report unless it is older than the last one of this host, or of the same time with another
   * address, or its time is too far from ours. The same report again is accepted: it changes nothing. A last report
   * that is itself too far ahead was taken while our clock was wrong, and holds nobody up.
   */
  accept(host: Name, report: Report): ReportVerdict {
    const nowMs = this.#parts.clock.nowMs();
    const distance = Math.abs(report.timestampMs - nowMs);
    if (!(distance <= Limits.reportClockMs)) return "off-clock";
    const id = formatName(host);
    const last = this.#last.get(id);
    const isPlausible = last !== undefined && last.timestampMs - nowMs <= Limits.reportClockMs;
    if (isPlausible && isReplay(last, report)) return "older";
    this.#remember(id, report);
    return "accepted";
  }

  /** Makes a report that changed an address outlive the process. */
  async keep(host: Name, report: Report): Promise<void> {
    const id = formatName(host);
    if (this.#unreadable.has(id)) return;
    const document: HostDocument = { version: 1, lastReport: { ...report } };
    try {
      await this.#parts.store.writeDocument("host", id, JSON.stringify(document));
    } catch (error) {
      const fields = { host: id, problem: errorMessage(error) };
      this.#parts.log.warn(fields, "the time of a report could not be stored");
    }
  }

  #remember(id: string, report: Report): void {
    this.#last.delete(id);
    this.#last.set(id, report);
    if (this.#last.size <= Limits.reportNodes) return;
    const [oldest] = this.#last.keys();
    this.#last.delete(oldest as string);
  }
}

function isReplay(last: Report, report: Report): boolean {
  if (report.timestampMs === last.timestampMs) return report.ip !== last.ip;
  return report.timestampMs < last.timestampMs;
}
