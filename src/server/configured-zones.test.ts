import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listLogger } from "../../test/update/fakes.ts";
import { systemClock } from "../base/clock.ts";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { createTableMemory } from "../table/table-memory.ts";
import { TableWriter } from "../table/table-writer.ts";
import { createUpdateEngine } from "../update/update-engine.ts";
import { parseName } from "../wire/name.ts";
import {
  createZones,
  makeConfiguredZones,
  type NewZone,
  readNewZones,
} from "./configured-zones.ts";

const directory = mkdtempSync(join(tmpdir(), "windhover-zones-"));
const origin = parseName("example.com");
const log = listLogger();

function zoneFile(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

const GOOD = zoneFile("good", "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");

async function open(store = new MemoryStore()) {
  const writer = new TableWriter(createTableMemory(1024 * 1024));
  const engine = createUpdateEngine({ store, writer, clock: systemClock, log });
  await engine.start();
  return engine;
}

test("zones that the store does not have are made from their files, once", async () => {
  const engine = await open();
  await makeConfiguredZones(engine, [{ origin, file: GOOD }], log);
  expect(engine.zones()).toMatchObject([{ serial: 1 }]);
  await makeConfiguredZones(engine, [{ origin, file: join(directory, "gone") }], log);
  await makeConfiguredZones(engine, [{ origin, file: undefined }], log);
});

test("a zone that cannot be read is not made anew, and the others are", async () => {
  const unreadable = parseName("unreadable.example.com");
  class Damaged extends MemoryStore {
    override async listOrigins() {
      return [unreadable];
    }
    override async findZone(): Promise<never> {
      throw new WindhoverError(ErrorCode.storeFormat, "its version is missing");
    }
    override loadZone = this.findZone;
  }
  const engine = await open(new Damaged());
  const zones = [
    { origin: unreadable, file: undefined },
    { origin, file: GOOD },
  ];
  await makeConfiguredZones(engine, zones, log);
  expect(engine.isUnreadable(unreadable)).toBe(true);
  expect(engine.zones()).toMatchObject([{ origin }]);
});

test("files are read without making anything", async () => {
  const engine = await open();
  const zones = await readNewZones(engine, [{ origin, file: GOOD }], log);
  expect(zones).toMatchObject([{ origin }]);
  expect(engine.zones()).toEqual([]);
  await createZones(engine, zones, log);
  expect(engine.zones()).toHaveLength(1);
});

test.each([
  [undefined, "is not in the store; give it a `file`"],
  [join(directory, "gone"), "cannot read"],
  [zoneFile("bad", "$TTL 60\n@ NS ns\n"), "cannot be served"],
])("what cannot be made is told: %s", async (file, problem) => {
  const engine = await open();
  await expect(readNewZones(engine, [{ origin, file }], log)).rejects.toThrow(problem);
});

test("zones that were made before one that cannot be are kept, and that is said", async () => {
  const engine = await open();
  const [zone] = await readNewZones(engine, [{ origin, file: GOOD }], log);
  const full = new WindhoverError(ErrorCode.limit, "too large");
  const createZone: typeof engine.createZone = (intent, rrsets) =>
    engine.zones().length > 0 ? Promise.reject(full) : engine.createZone(intent, rrsets);
  const second = { ...(zone as NewZone), origin: parseName("other.example") };
  await expect(createZones({ createZone }, [zone as NewZone, second], log)).rejects.toThrow(
    "too large; created before it, and kept: example.com.",
  );
  expect(engine.zones()).toHaveLength(1);
});

test("a zone that another server was first to make is as good", async () => {
  const engine = await open();
  const zones = await readNewZones(engine, [{ origin, file: GOOD }], log);
  const refuse = (code: ErrorCode) => ({
    createZone: () => Promise.reject(new WindhoverError(code, "no")),
  });
  await createZones(refuse(ErrorCode.zoneExists), zones, log);
  await expect(createZones(refuse(ErrorCode.limit), zones, log)).rejects.toThrow("no");
});
