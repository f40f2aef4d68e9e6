/** `/v1/zones/…/history` and its kin: who changed what, what was refused, what differs between two points. */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyPluginAsync } from "fastify";
import { Limits } from "../../base/limits.ts";
import { entriesUpTo } from "../../update/journal-difference.ts";
import type { ZoneEngine } from "../../update/update-engine.ts";
import type { ZoneDifference } from "../../update/zone-history.ts";
import { timeText } from "../../update/zone-point.ts";
import { formatName, type Name, parseName } from "../../wire/name.ts";
import { withoutSerialStep } from "../../zone/changeset.ts";
import { describePoint, differenceLines, historyEntry, journalLine } from "./history-entry.ts";
import { type OneZone, ownerIn, rrtypeOf } from "./zone-parameters.ts";
import type { ZoneStreams } from "./zone-streams.ts";

const HistoryPage = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: Limits.journalPage, default: 20 }),
  /** Only entries with a sequence below this one. */
  before: Type.Optional(Type.Integer({ minimum: 1 })),
  name: Type.Optional(Type.String({ minLength: 1 })),
  type: Type.Optional(Type.String({ minLength: 1 })),
  actor: Type.Optional(Type.String({ minLength: 1 })),
  address: Type.Optional(Type.String({ minLength: 1 })),
  since: Type.Optional(Type.String({ minLength: 1 })),
  until: Type.Optional(Type.String({ minLength: 1 })),
});
type HistoryPage = Static<typeof HistoryPage>;

const TwoPoints = Type.Object({
  from: Type.String({ minLength: 1 }),
  to: Type.String({ minLength: 1, default: "now" }),
  format: Type.Union([Type.Literal("json"), Type.Literal("text")], { default: "json" }),
});
type TwoPoints = Static<typeof TwoPoints>;

const UpTo = Type.Object({ to: Type.String({ minLength: 1, default: "now" }) });
type UpTo = Static<typeof UpTo>;

export function historyRoutes(engine: ZoneEngine, streams: ZoneStreams): FastifyPluginAsync {
  return async (app) => {
    app.get<{ Params: OneZone; Querystring: HistoryPage }>(
      "/v1/zones/:origin/history",
      { schema: { querystring: HistoryPage } },
      async ({ params, query }) => readHistory(engine, parseName(params.origin), query),
    );

    app.get<{ Params: OneZone }>("/v1/zones/:origin/refused", async ({ params }) =>
      listRefused(engine, parseName(params.origin)),
    );

    app.get<{ Params: OneZone; Querystring: TwoPoints }>(
      "/v1/zones/:origin/diff",
      { schema: { querystring: TwoPoints } },
      async ({ params, query }, reply) => {
        const origin = parseName(params.origin);
        const difference = await engine.history.difference(origin, query.from, query.to);
        const isText = query.format === "text";
        const lines = isText ? diffText(origin, difference) : diffJson(difference);
        return reply.type(isText ? "text/plain" : "application/json").send(streams.send(lines));
      },
    );

    app.get<{ Params: OneZone; Querystring: UpTo }>(
      "/v1/zones/:origin/journal",
      { schema: { querystring: UpTo } },
      async ({ params, query }, reply) => {
        const lines = await journalLines(engine, parseName(params.origin), query.to);
        return reply.type("application/x-ndjson").send(streams.send(lines));
      },
    );
  };
}

async function readHistory(engine: ZoneEngine, origin: Name, page: HistoryPage) {
  const { limit, before, name, type, actor, address, since, until } = page;
  const { history } = engine;
  const { entries, next } = await history.search(origin, {
    limit,
    before,
    actor,
    address,
    owner: name === undefined ? undefined : ownerIn(origin, name),
    rrtype: type === undefined ? undefined : rrtypeOf(type),
    sinceMs: since === undefined ? undefined : history.time(since),
    untilMs: until === undefined ? undefined : history.time(until),
  });
  return { entries: entries.map(historyEntry), ...(next === undefined ? {} : { next }) };
}

/** A zone that is not there may have been tried to change as well. */
function listRefused(engine: ZoneEngine, origin: Name) {
  return engine.refusedUpdates(origin).map((refused) => {
    const { actor, door, address, reason, detail, count, firstMs, lastMs } = refused;
    const times = { time: timeText(lastMs), first: timeText(firstMs) };
    return { ...times, actor, door, address, reason, detail, count };
  });
}

function* diffText(origin: Name, { from, to, ...difference }: ZoneDifference): Generator<string> {
  for (const [sign, point] of [["---", from] as const, ["+++", to] as const]) {
    const { serial, sequence, time = "" } = describePoint(point);
    yield `${sign} ${formatName(origin)} serial ${serial} #${sequence} ${time}`
      .trimEnd()
      .concat("\n");
  }
  const signs = { removed: "- ", added: "+ " };
  for (const line of differenceLines(withoutSerialStep(difference), signs)) yield `${line}\n`;
}

function* diffJson({ from, to, ...difference }: ZoneDifference): Generator<string> {
  const { removed, added } = withoutSerialStep(difference);
  const head = JSON.stringify({ from: describePoint(from), to: describePoint(to) });
  yield `${head.slice(0, -1)},"removed":`;
  yield* jsonList(differenceLines({ removed, added: [] }, UNSIGNED));
  yield ',"added":';
  yield* jsonList(differenceLines({ removed: [], added }, UNSIGNED));
  yield "}";
}

const UNSIGNED = { removed: "", added: "" };

function* jsonList(lines: Iterable<string>): Generator<string> {
  let separator = "[";
  for (const line of lines) {
    yield separator + JSON.stringify(line);
    separator = ",";
  }
  yield separator === "[" ? "[]" : "]";
}

/** A line that says which zone it is and where it ends, then an entry a line, the oldest that is kept first. */
async function journalLines(engine: ZoneEngine, origin: Name, to: string) {
  const journal = engine.history.journal(origin);
  const { serial, sequence } = await engine.history.point(origin, to);
  const head = { format: 1, zone: formatName(origin), serial, sequence };
  return (async function* () {
    yield `${JSON.stringify(head)}\n`;
    for await (const entry of entriesUpTo(journal, sequence)) yield journalLine(entry);
  })();
}
