/** Class 5: who may change what, while keys come and go, and whatever an update is padded with. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Limits } from "../../src/base/limits.ts";
import type { GrantText } from "../../src/identity/grant-text.ts";
import { Keyring } from "../../src/identity/keyring.ts";
import type { Principal } from "../../src/identity/principal.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { createTableMemory } from "../../src/table/table-memory.ts";
import { TableWriter } from "../../src/table/table-writer.ts";
import { createUpdateEngine } from "../../src/update/update-engine.ts";
import type { UpdateOperation, Verdict } from "../../src/update/update-request.ts";
import { Rcode } from "../../src/wire/code-points.ts";
import { parseName } from "../../src/wire/name.ts";
import { listLogger, standingClock } from "../update/fakes.ts";
import { add, exampleZone, OPERATOR, ORIGIN, request, zoneText } from "../update/zone-fixtures.ts";

const ZONE = "dyn.example.com";
const KEY = parseName("k");
const NOBODY: Principal = { actor: "anonymous", grants: [], isOperator: false };

async function startEngine() {
  const log = listLogger();
  const store = new MemoryStore();
  const writer = new TableWriter(createTableMemory(16 * 1024 * 1024));
  const engine = createUpdateEngine({ store, writer, clock: standingClock, log });
  await engine.start();
  await engine.createZone(
    { origin: ORIGIN, principal: OPERATOR, door: "cli", address: "" },
    exampleZone(),
  );
  const keyring = new Keyring({ store, log });
  const principal = () => keyring.find(KEY)?.principal ?? NOBODY;
  return { engine, writer, keyring, principal, log };
}

const OWNERS = ["@", "a", "b", "x.a", "y.x.a", "xa", "aa"];
const TYPES = ["A", "TXT"] as const;
const TEXTS = { A: "192.0.2.1", TXT: '"t"' } as const;

const grantText: fc.Arbitrary<GrantText> = fc
  .record({
    scope: fc.constantFrom<{ zone?: string; name?: string }>(
      { zone: ZONE },
      { zone: `a.${ZONE}` },
      { name: `a.${ZONE}` },
      { name: `*.a.${ZONE}` },
      { name: ZONE },
      { name: `*.${ZONE}` },
      { zone: "example.org" },
    ),
    types: fc.constantFrom<string[] | undefined>(undefined, ["A"], ["TXT"], ["AAAA"]),
    allow: fc.constantFrom<GrantText["allow"]>(["update"], ["transfer"], ["update", "transfer"]),
  })
  .map(({ scope, types, allow }) => ({
    allow,
    ...scope,
    ...(types === undefined ? {} : { types }),
  }));

/** By the words of the documentation, on text: no name arithmetic of ours. */
function isCovered(grants: readonly GrantText[], owner: string, type: string): boolean {
  const full = owner === "@" ? ZONE : `${owner}.${ZONE}`;
  return grants.some(({ allow, zone, name, types }) => {
    if (!allow.includes("update") || (types !== undefined && !types.includes(type))) return false;
    if (zone !== undefined && full !== zone && !full.endsWith(`.${zone}`)) return false;
    if (name === undefined) return true;
    return name.startsWith("*.") ? full.endsWith(name.slice(1)) : full === name;
  });
}

type Step =
  | { readonly kind: "rekey"; readonly grants: readonly GrantText[] }
  | { readonly kind: "unkey" }
  | { readonly kind: "update"; readonly rrs: readonly (readonly [string, "A" | "TXT"])[] };

const rr = fc.tuple(fc.constantFrom(...OWNERS), fc.constantFrom(...TYPES));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("rekey" as const),
      grants: fc.array(grantText, { maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "unkey" as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("update" as const),
      rrs: fc.array(rr, { minLength: 1, maxLength: 5 }),
    }),
  },
);

describe("grants that change while updates run", () => {
  test("each RR of each update is judged by the grants its key had when it came", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const { engine, keyring, principal } = await startEngine();
        const verdicts: { isAllowed: boolean; verdict: Promise<Verdict> }[] = [];
        let grants: readonly GrantText[] = [];
        for (const [at, each] of steps.entries()) {
          if (each.kind === "update") {
            const operations = each.rrs.map(([owner, type]) =>
              add(owner, 60 + at, type, TEXTS[type]),
            );
            const isAllowed = each.rrs.every(([owner, type]) => isCovered(grants, owner, type));
            const verdict = engine.submit(request(operations, { principal: principal() }));
            verdicts.push({ isAllowed, verdict });
            continue;
          }
          await keyring.remove(KEY);
          grants = each.kind === "unkey" ? [] : each.grants;
          const key = { name: "k", algorithm: "hmac-sha256", secret: "c2VjcmV0c2VjcmV0" };
          if (each.kind === "rekey") await keyring.add({ ...key, grants: [...grants] });
        }
        for (const { isAllowed, verdict } of verdicts) {
          const settled = await verdict;
          const isDenied = settled.status === "refused" && settled.reason === "no-grant";
          expect(isDenied).toBe(!isAllowed);
        }
        await engine.close();
      }),
      { numRuns: 150 },
    );
  });

  test("an update that waits in a queue is not judged by grants that came later", async () => {
    const { engine, keyring, principal, writer } = await startEngine();
    const base = { name: "k", algorithm: "hmac-sha256", secret: "c2VjcmV0c2VjcmV0" };
    await keyring.add({ ...base, grants: [{ allow: ["update"], name: `a.${ZONE}` }] });
    const before = engine.submit(
      request([add("b", 60, "A", "192.0.2.9")], { principal: principal() }),
    );
    await keyring.remove(KEY);
    await keyring.add({ ...base, grants: [{ allow: ["update"], zone: ZONE }] });
    const after = engine.submit(
      request([add("xa", 60, "A", "192.0.2.9")], { principal: principal() }),
    );
    expect(await before).toMatchObject({ status: "refused", reason: "no-grant" });
    expect(await after).toMatchObject({ status: "applied" });
    const view = writer.view(ORIGIN);
    if (view === undefined) throw new Error("no zone");
    const lines = zoneText(view).join("\n");
    expect(lines).not.toMatch(/^b\.dyn/m);
    expect(lines).toMatch(/^xa\.dyn/m);
  });
});

describe("padding", () => {
  const granted = (count: number): UpdateOperation[] =>
    Array.from({ length: count }, (_, at) => add("a", 60, "TXT", `"${at}"`));
  const forbidden = add("b", 60, "A", "192.0.2.9");

  test.each([0, 1, 2_000, Limits.updateRecords - 1])(
    "one RR without a grant among thousands with one, in place %i, refuses them all",
    async (place) => {
      const { engine, writer, keyring, principal } = await startEngine();
      const grants: GrantText[] = [{ allow: ["update"], name: `a.${ZONE}` }];
      await keyring.add({
        name: "k",
        algorithm: "hmac-sha256",
        secret: "c2VjcmV0c2VjcmV0",
        grants,
      });
      const operations = granted(Limits.updateRecords - 1);
      operations.splice(place, 0, forbidden);
      const verdict = await engine.submit(request(operations, { principal: principal() }));
      expect(verdict).toMatchObject({
        status: "refused",
        rcode: Rcode.refused,
        reason: "no-grant",
      });
      const view = writer.view(ORIGIN);
      if (view === undefined) throw new Error("no zone");
      expect(zoneText(view).join("\n")).not.toMatch(/^[ab]\.dyn/m);
    },
  );
});
