import { describe, expect, test } from "vitest";
import { historyServer } from "../../test/update/history-server.ts";
import {
  add,
  at,
  ORIGIN,
  principal,
  request,
  ZONE_OWNER,
} from "../../test/update/zone-fixtures.ts";
import { Limits } from "../base/limits.ts";
import { Rcode } from "../wire/code-points.ts";
import { refuse } from "./refusal.ts";
import { RefusedUpdates } from "./refused-updates.ts";

const intent = { origin: ORIGIN, principal: ZONE_OWNER, door: "rfc2136", address: "::1" } as const;
const refusal = (detail: string) => refuse(Rcode.refused, "limit", detail);

describe("refused updates", () => {
  test("are those of every door that the engine refuses", async () => {
    const { engine, clock } = await historyServer();
    const stranger = principal({ name: at("home") });
    const asked = request([add("www", 60, "A", "192.0.2.80")], { principal: stranger });
    await engine.submit(asked);
    await engine.submit(request([], { origin: at("other.org.") }));
    expect(engine.refusedUpdates(ORIGIN)).toMatchObject([
      { actor: "key:test", door: "rfc2136", reason: "no-grant", lastMs: clock.ms, count: 1 },
    ]);
    expect(engine.refusedUpdates(at("other.org."))).toMatchObject([{ reason: "no-such-zone" }]);
  });

  test("are kept by zone, the newest first, with who, from where and why", () => {
    const refused = new RefusedUpdates();
    refused.add(intent, refusal("one"), 1);
    refused.add({ ...intent, origin: at("other.org.") }, refusal("elsewhere"), 2);
    refused.add(intent, refusal("two"), 3);
    expect(refused.list(ORIGIN).map(({ detail }) => detail)).toEqual(["two", "one"]);
    expect(refused.list(ORIGIN)[1]).toEqual({
      origin: ORIGIN,
      actor: "key:test",
      door: "rfc2136",
      address: "::1",
      rcode: Rcode.refused,
      reason: "limit",
      detail: "one",
      firstMs: 1,
      lastMs: 1,
      count: 1,
    });
  });

  test("that repeat themselves are counted, and are as new as their last", () => {
    const refused = new RefusedUpdates();
    refused.add(intent, refusal("one"), 1);
    refused.add(intent, refusal("two"), 2);
    refused.add(intent, refusal("one"), 3);
    expect(refused.list(ORIGIN)).toMatchObject([
      { detail: "one", count: 2, firstMs: 1, lastMs: 3 },
      { detail: "two", count: 1 },
    ]);
  });

  test("are as many as the bound, and with one more the oldest goes", () => {
    const refused = new RefusedUpdates();
    for (let n = 0; n < Limits.refusedUpdates; n++) refused.add(intent, refusal(`${n}`), n);
    expect(refused.list(ORIGIN)).toHaveLength(Limits.refusedUpdates);
    refused.add(intent, refusal("more"), 9);
    expect(refused.list(ORIGIN)).toHaveLength(Limits.refusedUpdates);
    expect(refused.list(ORIGIN).at(-1)?.detail).toBe("1");
  });
});
