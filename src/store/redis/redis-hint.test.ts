import { expect, test } from "vitest";
import { parseName } from "../../wire/name.ts";
import { formatDocumentsHint, formatZoneHint, parseHint } from "./redis-hint.ts";

test("hints come back from their text, whatever the name", () => {
  for (const text of [".", "dyn.example.com.", "a\\032b.\\123\\125.", "zone.", "documents."]) {
    const origin = parseName(text);
    for (const version of [
      undefined,
      { serial: 1, sequence: 2 },
      { serial: 1, sequence: 2, mark: 3 },
    ]) {
      const hint = formatZoneHint("w", origin, version);
      expect(parseHint(hint)).toEqual({ writer: "w", origin, version });
    }
  }
  expect(parseHint(formatDocumentsHint("w", "token"))).toEqual({ writer: "w", kind: "token" });
});

test.each(["", "x", "w zone", "w zone a..b", "w other example.", "w documents", "w documents x"])(
  "%j is no hint",
  (text) => expect(parseHint(text)).toBeUndefined(),
);
