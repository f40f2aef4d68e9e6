import { expect, test } from "vitest";
import { listLogger } from "../../test/update/fakes.ts";
import type { JournalEntry } from "../store/store.ts";
import { parseName } from "../wire/name.ts";
import { logApplied } from "./update-log.ts";

const entry: JournalEntry = {
  origin: parseName("dyn.example.com."),
  sequence: 2,
  timeMs: 0,
  fromSerial: 1,
  toSerial: 2,
  actor: "key:router",
  door: "rfc2136",
  address: "192.0.2.1",
  removed: [],
  added: [],
};

test("a change that the log does not tell of is not put into words", () => {
  const log = listLogger();
  const asked: string[] = [];
  const levelled = (isEnabled: boolean) => ({
    ...log,
    isLevelEnabled: (level: string) => {
      asked.push(level);
      return isEnabled;
    },
  });
  logApplied(levelled(false), entry);
  expect(log.lines).toEqual([]);
  logApplied(levelled(true), entry);
  logApplied(log, entry);
  expect(log.lines.map(({ message }) => message)).toEqual(["update applied", "update applied"]);
  expect(asked).toEqual(["info", "info"]);
});
