import { expect, test } from "vitest";
import { ORIGIN } from "../../test/update/zone-fixtures.ts";
import type { JournalEntry } from "../store/store.ts";
import { parseName } from "../wire/name.ts";
import { readDoor, revertDoor } from "./revert-door.ts";
import type { Revert } from "./revert-zone.ts";

const WWW = parseName("www.dyn.example.com");
const SPACE = parseName("a\\032b.dyn.example.com");
const version = { serial: 9, sequence: 2 };
const entry: JournalEntry = {
  origin: ORIGIN,
  sequence: 4,
  timeMs: 0,
  fromSerial: 3,
  toSerial: 4,
  actor: "key:router",
  door: "rfc2136",
  address: "",
  removed: [],
  added: [],
};

test.each<[Revert, string, object]>([
  [{ kind: "change", entry, isForced: false }, "cli (revert of #4)", { change: 4 }],
  [{ kind: "to", version }, "cli (revert to #2)", { to: 2 }],
  [
    { kind: "to", version, owners: [WWW] },
    "cli (revert to #2 for www.dyn.example.com.)",
    { to: 2, for: "www.dyn.example.com." },
  ],
  [
    { kind: "to", version, owners: [SPACE] },
    "cli (revert to #2 for a\\032b.dyn.example.com.)",
    { to: 2, for: "a\\032b.dyn.example.com." },
  ],
  [
    { kind: "to", version, owners: [WWW, SPACE] },
    "cli (revert to #2 for 2 names)",
    { to: 2, for: "2 names" },
  ],
])("a change that goes back says where to, and is read again: %#", (revert, text, note) => {
  expect(revertDoor("cli", revert)).toBe(text);
  expect(readDoor(text)).toEqual({ door: "cli", revert: note });
});

test.each([
  "cli",
  "rfc2136",
  "",
  "cli (revert)",
  "cli (revert of #4) and more",
  "x y (revert of #4)",
])("a door that says nothing of the kind is left as it is: %j", (text) => {
  expect(readDoor(text)).toEqual({ door: text });
});
