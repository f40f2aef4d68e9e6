import { expect, test } from "vitest";
import { SharedAnswerSettings } from "./answering.ts";

const NOTHING = { version: "", identity: "", cookieSecret: undefined, rateLimit: undefined };
const LIMIT = { perSecond: 5, slip: 2, exempt: [] };

test("a secret that nobody chose stays, and gives way to one that somebody does", () => {
  const shared = new SharedAnswerSettings();
  const { cookieSecret } = shared.of(NOTHING);
  expect(cookieSecret).toHaveLength(16);
  const chosen = new Uint8Array(16).fill(1);
  expect(shared.of({ ...NOTHING, cookieSecret: chosen }).cookieSecret).toBe(chosen);
  expect(shared.of(NOTHING).cookieSecret).toBe(cookieSecret);
});

test("what rate limiting has counted stays when its numbers change", () => {
  const shared = new SharedAnswerSettings();
  expect(shared.of(NOTHING).rateLimit).toBeUndefined();
  const { table } = shared.of({ ...NOTHING, rateLimit: LIMIT }).rateLimit ?? {};
  const other = shared.of({ ...NOTHING, rateLimit: { ...LIMIT, perSecond: 6 } }).rateLimit;
  expect(other).toMatchObject({ perSecond: 6 });
  expect(other?.table).toBe(table);
});

test("empty texts are none", () => {
  const shared = new SharedAnswerSettings();
  expect(shared.of(NOTHING)).toMatchObject({
    version: undefined,
    identity: undefined,
    nsid: undefined,
  });
  expect(shared.of({ ...NOTHING, version: "v", identity: "i" })).toMatchObject({
    version: "v",
    identity: "i",
    nsid: "i",
  });
});
