/**
 * A zone changed at random, and what it was after each change written down: history must give every one of them back,
 * lead from any of them to any other, and take the zone itself there.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type HistoryServer, historyServer, OPERATORS } from "../../test/update/history-server.ts";
import {
  add,
  contentText,
  deleteName,
  deleteRR,
  deleteRRset,
  exampleZone,
  ORIGIN,
  replace,
  zoneText,
} from "../../test/update/zone-fixtures.ts";
import { applyChangeset } from "../zone/changeset.ts";
import type { RRset } from "../zone/rrset.ts";
import { isSerialAfter } from "../zone/serial.ts";
import { ZoneMap } from "../zone/zone-map.ts";
import type { ZoneView } from "../zone/zone-view.ts";
import type { UpdateOperation } from "./update-request.ts";

/** Just before the wrap, so that serials cross it. */
const FIRST_SERIAL = 0xffff_fffa;

const owner = fc.constantFrom("home", "alias", "new", "@", "ns.sub");
const number = fc.integer({ min: 1, max: 3 });
const operation: fc.Arbitrary<UpdateOperation> = fc.oneof(
  fc
    .tuple(owner, fc.constantFrom(30, 60), number)
    .map(([name, ttl, n]) => add(name, ttl, "A", `192.0.2.${n}`)),
  fc.tuple(owner, number).map(([name, n]) => deleteRR(name, "A", `192.0.2.${n}`)),
  fc
    .tuple(owner, fc.constantFrom("A", "CNAME", "NS"))
    .map(([name, type]) => deleteRRset(name, type)),
  owner.map((name) => deleteName(name)),
  fc.tuple(fc.constantFrom(60, 300), number).map(([ttl, n]) => {
    return replace("@", ttl, "SOA", `ns${n} hostmaster 1 3600 600 86400 ${n}`);
  }),
);
const updates = fc.array(fc.array(operation, { minLength: 1, maxLength: 4 }), { maxLength: 12 });

/** The zone at each sequence; the creation is the first. */
type Versions = readonly string[][];

async function changed(steps: readonly UpdateOperation[][]) {
  const server = await historyServer(exampleZone(FIRST_SERIAL));
  const versions: string[][] = [zoneText(server.engine.view(ORIGIN)!)];
  for (const operations of steps) {
    // What a rule of zones forbids, or what changes nothing, makes no version.
    await server.update(...operations).catch(() => {});
    const { sequence } = server.engine.version(ORIGIN)!;
    if (sequence > versions.length) versions.push(zoneText(server.engine.view(ORIGIN)!));
  }
  return { server, versions };
}

function rrsetsOf(view: ZoneView): RRset[] {
  return [...view.owners()].flatMap((name) => view.rrsets(name));
}

function withoutSoa(lines: readonly string[]): string[] {
  return lines.filter((line) => !line.includes(" SOA "));
}

async function checkPasts({ engine }: HistoryServer, versions: Versions): Promise<void> {
  for (const [index, version] of versions.entries()) {
    const past = await engine.history.open(ORIGIN, `#${index + 1}`);
    expect(zoneText(past.view)).toEqual(version);
    past.close();
  }
}

async function checkDifference(
  { engine }: HistoryServer,
  versions: Versions,
  from: number,
  to: number,
) {
  const start = await engine.history.open(ORIGIN, `#${from + 1}`);
  const zone = new ZoneMap(ORIGIN, rrsetsOf(start.view));
  start.close();
  const { removed, added } = await engine.history.difference(ORIGIN, `#${from + 1}`, `#${to + 1}`);
  const changeset = { origin: ORIGIN, fromSerial: 0, toSerial: 0, removed, added };
  expect(applyChangeset(zone, changeset)).toBe(true);
  expect(zoneText(zone)).toEqual(versions[to]);
}

async function checkRevert({ engine }: HistoryServer, versions: Versions, to: number) {
  const before = engine.version(ORIGIN)!;
  const version = await engine.history.point(ORIGIN, `#${to + 1}`);
  const { verdict } = await engine.revertZone(OPERATORS, { kind: "to", version }, false);
  expect(verdict.status).not.toBe("refused");
  const view = engine.view(ORIGIN)!;
  expect(contentText(view)).toEqual(withoutSoa(versions[to]!));
  const after = engine.version(ORIGIN)!;
  const isChanged = verdict.status === "applied";
  expect(after.sequence).toBe(before.sequence + Number(isChanged));
  expect(isSerialAfter(after.serial, before.serial)).toBe(isChanged);
}

test("every version there was can be seen, compared and had again", async () => {
  await fc.assert(
    fc.asyncProperty(updates, fc.nat(), fc.nat(), async (steps, one, two) => {
      const { server, versions } = await changed(steps);
      const [from, to] = [one % versions.length, two % versions.length];
      await checkPasts(server, versions);
      await checkDifference(server, versions, from, to);
      await checkRevert(server, versions, from);
      await checkRevert(server, versions, to);
      await checkPasts(server, versions);
    }),
    { numRuns: 150 },
  );
});

test("a change undone at once is as if it had not been, but for the serial", async () => {
  await fc.assert(
    fc.asyncProperty(updates, async (steps) => {
      const { server, versions } = await changed(steps);
      const { engine } = server;
      for (let index = versions.length - 1; index > 0; index--) {
        const entry = await engine.history.change(ORIGIN, index + 1);
        const { verdict } = await engine.revertZone(
          OPERATORS,
          { kind: "change", entry, isForced: index % 2 === 0 || index < versions.length - 1 },
          false,
        );
        expect(verdict.status).not.toBe("refused");
        expect(contentText(engine.view(ORIGIN)!)).toEqual(withoutSoa(versions[index - 1]!));
      }
    }),
    { numRuns: 100 },
  );
});
