/** What the server tells Prometheus. Names are `windhover_…`, units are base units, counters end in `_total`. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type CounterName, readCounters } from "../../base/counters.ts";
import type { TableUsage } from "../../table/table-writer.ts";
import type { UpdateEngine } from "../../update/update-engine.ts";
import type { Door, Verdict } from "../../update/update-request.ts";
import { formatName, type Name } from "../../wire/name.ts";
import type { Authentication } from "./authenticate.ts";
import { EventCounter } from "./event-counter.ts";

/** Where the numbers that somebody else keeps are read when they are asked for. */
export interface MetricsSources {
  /** `base/counters.ts`; `undefined` when nobody answers queries in this process. */
  readonly counterMemory: SharedArrayBuffer | undefined;
  readonly zones: () => Iterable<{ readonly origin: Name; readonly serial: number }>;
  readonly table: () => Pick<
    TableUsage,
    "bytesUsed" | "bytesRetired" | "names" | "rrsets" | "zones"
  >;
  readonly isStoreUp: () => boolean;
  /** RRsets that stores have lost and that wait to be recovered. */
  readonly lostRRsets: () => number;
  /** How many there are (`ObservedStore.warnings`). */
  readonly storeWarnings?: () => number;
  /** Empty when the configuration was taken over last, and when the one in use was. */
  readonly configuration: { readonly problem: string; readonly takenOverMs: number };
}

export class Metrics {
  readonly registry = new Registry();
  readonly #updates: EventCounter<"door" | "verdict" | "reason">;
  readonly #batchUpdates: Histogram;
  readonly #commitSeconds: Histogram;
  readonly #authentications: EventCounter<"result">;
  readonly #httpRequests: EventCounter<"route" | "status">;

  constructor(sources: MetricsSources) {
    const registers = [this.registry];
    // Looking ten times a second shows a loop that is held up, and costs an idle server next to nothing.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 100 });
    addQueryCounters(this.registry, sources);
    addZoneGauges(this.registry, sources);
    this.#updates = new EventCounter({
      name: "windhover_updates_total",
      help: "Updates by door and verdict; refused ones also by reason.",
      labelNames: ["door", "verdict", "reason"],
      registers,
    });
    this.#batchUpdates = new Histogram({
      name: "windhover_update_batch_updates",
      help: "Updates drained into one commit.",
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024],
      registers,
    });
    this.#commitSeconds = new Histogram({
      name: "windhover_commit_duration_seconds",
      help: "Time until the store had made a commit durable.",
      buckets: [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    });
    this.#authentications = new EventCounter({
      name: "windhover_http_authentications_total",
      help: "Requests at the HTTP update doors by what became of their credentials.",
      labelNames: ["result"],
      registers,
    });
    this.#httpRequests = new EventCounter({
      name: "windhover_http_requests_total",
      help: "HTTP requests by route and status.",
      labelNames: ["route", "status"],
      registers,
    });
  }

  observeVerdict(door: Door, verdict: Verdict): void {
    const reason = verdict.status === "refused" ? verdict.reason : "";
    this.#updates.count(door, verdict.status, reason);
  }

  /** The same engine, with every verdict counted. */
  observeEngine(engine: UpdateEngine): UpdateEngine {
    return {
      submit: async (request) => {
        const verdict = await engine.submit(request);
        this.observeVerdict(request.door, verdict);
        return verdict;
      },
    };
  }

  observeCommit(updates: number, seconds: number): void {
    this.#batchUpdates.observe(updates);
    this.#commitSeconds.observe(seconds);
  }

  observeAuthentication(result: Authentication["status"]): void {
    this.#authentications.count(result);
  }

  /** `route` is the path as registered, never as sent. */
  observeHttpRequest(route: string, status: number): void {
    this.#httpRequests.count(route, String(status));
  }
}

type Family =
  | "queries"
  | "responses"
  | "truncated"
  | "rateLimited"
  | "ignored"
  | "deferred"
  | "dropped";

const FAMILIES: Readonly<Record<Family, { readonly name: string; readonly help: string }>> = {
  queries: { name: "windhover_dns_queries_total", help: "DNS messages received, by transport." },
  responses: { name: "windhover_dns_responses_total", help: "DNS responses sent, by rcode." },
  truncated: { name: "windhover_dns_truncated_responses_total", help: "DNS responses with TC." },
  rateLimited: {
    name: "windhover_dns_rate_limited_responses_total",
    help: "DNS responses that rate limiting held back: dropped, or slipped as TC, BADCOOKIE or the error itself.",
  },
  ignored: { name: "windhover_dns_ignored_messages_total", help: "DNS messages left unanswered." },
  deferred: {
    name: "windhover_dns_deferred_messages_total",
    help: "DNS messages handed to the main thread: updates, transfers, signed queries.",
  },
  dropped: {
    name: "windhover_dns_dropped_messages_total",
    help: "DNS messages lost to full queues.",
  },
};

/** Where each cell of `base/counters.ts` appears; a new counter must be given its place here. */
const CELLS: Readonly<Record<CounterName, { readonly family: Family; readonly label?: string }>> = {
  queriesUdp: { family: "queries", label: "udp" },
  queriesTcp: { family: "queries", label: "tcp" },
  queriesTls: { family: "queries", label: "tls" },
  responsesNoError: { family: "responses", label: "noerror" },
  responsesNxDomain: { family: "responses", label: "nxdomain" },
  responsesRefused: { family: "responses", label: "refused" },
  responsesFormErr: { family: "responses", label: "formerr" },
  responsesNotImp: { family: "responses", label: "notimp" },
  responsesServFail: { family: "responses", label: "servfail" },
  responsesNotAuth: { family: "responses", label: "notauth" },
  responsesOther: { family: "responses", label: "other" },
  responsesTruncated: { family: "truncated" },
  rateLimitDropped: { family: "rateLimited", label: "dropped" },
  rateLimitSlipped: { family: "rateLimited", label: "slipped" },
  ignored: { family: "ignored" },
  deferred: { family: "deferred" },
  dropped: { family: "dropped" },
};

const LABEL_NAMES: Partial<Record<Family, string>> = {
  queries: "transport",
  responses: "rcode",
  rateLimited: "action",
};

function addQueryCounters(registry: Registry, { counterMemory }: MetricsSources): void {
  for (const family of Object.keys(FAMILIES) as Family[]) {
    const label = LABEL_NAMES[family];
    const cells = Object.entries(CELLS).filter(([, cell]) => cell.family === family);
    new Counter({
      ...FAMILIES[family],
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      collect() {
        if (counterMemory === undefined) return;
        const totals = readCounters(counterMemory);
        this.reset();
        for (const [name, cell] of cells) {
          const labels = label === undefined ? {} : { [label]: cell.label as string };
          this.inc(labels, totals[name as CounterName]);
        }
      },
    });
  }
}

const TABLE_GAUGES = [
  ["zones", "windhover_zones", "Zones served."],
  ["names", "windhover_names", "Names with data in the zone table."],
  ["rrsets", "windhover_rrsets", "RRsets in the zone table."],
  ["bytesUsed", "windhover_table_used_bytes", "Memory of the zone table in use."],
  ["bytesRetired", "windhover_table_retired_bytes", "Memory that waits for readers to pass."],
] as const;

function addZoneGauges(registry: Registry, sources: MetricsSources): void {
  const registers = [registry];
  for (const [field, name, help] of TABLE_GAUGES) {
    const collect = function (this: Gauge) {
      this.set(sources.table()[field]);
    };
    new Gauge({ name, help, registers, collect });
  }
  new Gauge({
    name: "windhover_zone_serial",
    help: "SOA serial of each zone.",
    labelNames: ["zone"],
    registers,
    collect() {
      this.reset();
      for (const { origin, serial } of sources.zones())
        this.set({ zone: formatName(origin) }, serial);
    },
  });
  new Gauge({
    name: "windhover_lost_rrsets",
    help: "RRsets whose acknowledged changes the store lost and that wait for `windhover zone recover`.",
    registers,
    collect() {
      this.set(sources.lostRRsets());
    },
  });
  new Gauge({
    name: "windhover_store_up",
    help: "1 when the last use of the store succeeded, else 0.",
    registers,
    collect() {
      this.set(sources.isStoreUp() ? 1 : 0);
    },
  });
  new Gauge({
    name: "windhover_store_warnings",
    help: "What about the store may lose updates or cannot be read: /readyz says it in words.",
    registers,
    collect() {
      this.set(sources.storeWarnings?.() ?? 0);
    },
  });
  new Gauge({
    name: "windhover_config_reload_success",
    help: "1 when the configuration was taken over when it was read last, 0 when the one before stays.",
    registers,
    collect() {
      this.set(sources.configuration.problem === "" ? 1 : 0);
    },
  });
  new Gauge({
    name: "windhover_config_reload_success_timestamp_seconds",
    help: "When the configuration in use was taken over.",
    registers,
    collect() {
      this.set(sources.configuration.takenOverMs / 1_000);
    },
  });
}
