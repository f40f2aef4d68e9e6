/**
 * What Windhover is to reach, and whether it does: each bar compares one of its figures with the peers' figures of the
 * same run, with another of its own, or with a number.
 */
import type { Results } from "./results.ts";

const PEERS = ["NSD", "Knot", "BIND"] as const;
type Peer = (typeof PEERS)[number];

export interface Bar {
  readonly measure: string;
  readonly isAtMost: boolean;
  readonly limit: number;
  /** What a figure is divided by: the best of these servers at this measure, by default the same. */
  readonly versus?: { readonly servers: readonly string[]; readonly measure?: string };
}

type Versus = NonNullable<Bar["versus"]>;

const best: Versus = { servers: PEERS };
const only = (peer: Peer, measure?: string): Versus =>
  measure === undefined ? { servers: [peer] } : { servers: [peer], measure };

const atMost = (measure: string, limit: number, versus?: Versus): Bar =>
  versus ? { measure, isAtMost: true, limit, versus } : { measure, isAtMost: true, limit };
const atLeast = (measure: string, limit: number, versus?: Versus): Bar =>
  versus ? { measure, isAtMost: false, limit, versus } : { measure, isAtMost: false, limit };

/** Measures that the parts and the bars name alike. */
export const Measure = {
  cpu: (size: string, edns: string) => `CPU per query, ${size}, ${edns} (µs)`,
  rate: (size: string, edns: string) => `queries/s, ${size}, ${edns}`,
  lost: (size: string, edns: string) => `queries lost, ${size}, ${edns}`,
  updates: (inFlight: number) => `signed updates/s, ${inFlight} in flight`,
  dyndns: "dyndns2 updates/s, 64 connections",
  nochg: "dyndns2 nochg/s, 64 connections",
  load: (size: string) => `zone file to first right answer, ${size} (ms)`,
  restart: (size: string) => `restart to first right answer, ${size} (ms)`,
  restartMemory: (size: string) => `memory per name after a restart, ${size} (bytes)`,
  memory: (size: string) => `memory over an empty zone, ${size} (MB)`,
  memoryPerName: (size: string) => `memory per name, ${size} (bytes)`,
  quietP99: "query p99, quiet (ms)",
  busyP99: "query p99 under updates (ms)",
  busyUpdates: "updates/s applied meanwhile, 5,000 sent",
  busyLost: "queries lost under updates",
  stale: "old answers after an ack",
} as const;

export const EDNS_LABELS = ["no EDNS", "EDNS"] as const;
const [small, large, huge] = ["10,000 names", "1,000,000 names", "10,000,000 names"] as const;

export const BARS: readonly Bar[] = [
  ...EDNS_LABELS.map((edns) => atMost(Measure.cpu(small, edns), 1, best)),
  ...EDNS_LABELS.map((edns) => atMost(Measure.cpu(large, edns), 0.9, best)),
  ...EDNS_LABELS.map((edns) => atLeast(Measure.rate(small, edns), 1, best)),
  atLeast(Measure.updates(1), 1, only("BIND")),
  atLeast(Measure.updates(1), 10, only("Knot")),
  atLeast(Measure.updates(64), 10, best),
  atLeast(Measure.updates(1024), 2, only("Knot")),
  atLeast(Measure.dyndns, 10_000),
  atLeast(Measure.nochg, 15_000),
  atMost(Measure.memoryPerName(large), 100),
  atMost(Measure.memoryPerName(huge), 100),
  atMost(Measure.restartMemory(large), 100),
  atMost(Measure.memory(huge), 1_200),
  atMost(Measure.load(large), 2, only("Knot")),
  atMost(Measure.restart(large), 1, only("Knot", Measure.load(large))),
  atMost(Measure.busyP99, 2, { servers: ["Windhover"], measure: Measure.quietP99 }),
  atMost(Measure.busyLost, 0),
  atLeast(Measure.busyUpdates, 4_950),
  atMost(Measure.stale, 0),
];

/** One row for each bar and each form of Windhover that was measured. */
export function judge(results: Results): readonly (readonly string[])[] {
  return BARS.flatMap((bar) =>
    results
      .servers(bar.measure)
      .filter((server) => server.startsWith("Windhover"))
      .map((server) => judgeOne(bar, server, results)),
  );
}

function judgeOne(bar: Bar, server: string, results: Results): readonly string[] {
  const { measure, versus, isAtMost, limit } = bar;
  const ours = results.median(measure, server) as number;
  const other = versus === undefined ? undefined : strongest(results, bar, versus);
  const sign = isAtMost ? "≤" : "≥";
  const unit = versus === undefined ? "" : " ×";
  const cells = [measure, server, results.format(ours)];
  if (versus !== undefined && other === undefined) {
    return [...cells, "not measured", "–", `${sign} ${limit}${unit}`, "?"];
  }
  const value = other === undefined ? ours : ours / other.figure;
  const isMet = isAtMost ? value <= limit : value >= limit;
  const against = other === undefined ? "–" : `${other.server} ${results.format(other.figure)}`;
  const ratio = other === undefined ? "–" : value.toFixed(2);
  return [
    ...cells,
    against,
    ratio,
    `${sign} ${limit.toLocaleString("en")}${unit}`,
    isMet ? "yes" : "NO",
  ];
}

function strongest(results: Results, bar: Bar, versus: Versus) {
  const measure = versus.measure ?? bar.measure;
  const figures = versus.servers.flatMap((server) => {
    const figure = results.median(measure, server);
    return figure === undefined ? [] : [{ server, figure }];
  });
  figures.sort((a, b) => (bar.isAtMost ? a.figure - b.figure : b.figure - a.figure));
  return figures[0];
}
