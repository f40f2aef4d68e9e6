import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatName, parseName } from "../wire/name.ts";
import {
  isGranted,
  isGrantedEveryType,
  isGrantedSomeType,
  isGrantedWithin,
  isTransferGranted,
} from "./grants.ts";
import type { Grant, Principal } from "./principal.ts";

const A = 1;
const TXT = 16;

function principal(...grants: Partial<Grant>[]): Principal {
  const full = grants.map((grant) => ({ allow: ["update" as const], ...grant }));
  return { actor: "key:test", grants: full, isOperator: false };
}

function may(grant: Partial<Grant>, owner: string, rrtype = A): boolean {
  return isGranted(principal(grant), "update", parseName(owner), rrtype);
}

describe("a grant", () => {
  test("for a zone covers its apex and all below it, and no name that only ends alike", () => {
    const grant = { zone: parseName("example.com") };
    expect(may(grant, "example.com")).toBe(true);
    expect(may(grant, "a.b.example.com")).toBe(true);
    expect(may(grant, "com")).toBe(false);
    expect(may(grant, "badexample.com")).toBe(false);
  });

  test("for a name covers that name alone, not what is below it, not its zone", () => {
    const grant = { name: parseName("home.example.com") };
    expect(may(grant, "HOME.example.com")).toBe(true);
    expect(may(grant, "x.home.example.com")).toBe(false);
    expect(may(grant, "example.com")).toBe(false);
  });

  test("for `*.x` covers what is below x, never x itself", () => {
    const grant = { name: parseName("*.alice.example.com") };
    expect(may(grant, "a.alice.example.com")).toBe(true);
    expect(may(grant, "b.a.alice.example.com")).toBe(true);
    expect(may(grant, "*.alice.example.com")).toBe(true);
    expect(may(grant, "alice.example.com")).toBe(false);
    expect(may(grant, "malice.example.com")).toBe(false);
  });

  test("for names below a name is not one for the zone (BIND CVE-2020-8624)", () => {
    const grant = { zone: parseName("example.com"), name: parseName("*.sub.example.com") };
    expect(may(grant, "a.sub.example.com")).toBe(true);
    expect(may(grant, "a.example.com")).toBe(false);
    expect(may(grant, "example.com")).toBe(false);
  });

  test("with types covers these types alone, and none when the list is empty", () => {
    const owner = parseName("home.example.com");
    expect(may({ name: owner, types: [A] }, "home.example.com", A)).toBe(true);
    expect(may({ name: owner, types: [A] }, "home.example.com", TXT)).toBe(false);
    expect(may({ name: owner, types: [] }, "home.example.com", A)).toBe(false);
    expect(isGrantedEveryType(principal({ name: owner, types: [A] }), "update", owner)).toBe(false);
    expect(isGrantedEveryType(principal({ name: owner }), "update", owner)).toBe(true);
    expect(isGrantedSomeType(principal({ name: owner, types: [] }), "update", owner)).toBe(false);
    expect(isGrantedSomeType(principal({ name: owner, types: [A] }), "update", owner)).toBe(true);
  });

  test("without zone and name covers nothing", () => {
    expect(may({}, "example.com")).toBe(false);
    expect(isGrantedWithin(principal({}), "update", parseName("example.com"))).toBe(false);
  });

  test("for one action says nothing about the other", () => {
    const origin = parseName("example.com");
    expect(may({ allow: ["transfer"], zone: origin }, "example.com")).toBe(false);
    expect(isTransferGranted(principal({ zone: origin }), origin)).toBe(false);
    const both = principal({ allow: ["transfer", "update"], zone: origin });
    expect(isTransferGranted(both, origin)).toBe(true);
  });
});

describe("a transfer", () => {
  const origin = parseName("dyn.example.com");
  test.each<[string, Partial<Grant>, boolean]>([
    ["of the grant's zone", { zone: origin }, true],
    ["of a zone below the grant's", { zone: parseName("example.com") }, true],
    ["of a zone above the grant's", { zone: parseName("a.dyn.example.com") }, false],
    ["by a grant for names", { zone: origin, name: parseName("*.dyn.example.com") }, false],
    ["by a grant for types", { zone: origin, types: [A] }, false],
  ])("%s: %j %s", (_, grant, allowed) => {
    const grants = principal({ ...grant, allow: ["transfer"] });
    expect(isTransferGranted(grants, origin)).toBe(allowed);
  });
});

describe("grants", () => {
  const labels = ["a", "b", "*"];
  const name = fc
    .array(fc.constantFrom(...labels), { maxLength: 3 })
    .map((path) => parseName([...path, "example"].join(".")));
  const types = fc.option(fc.uniqueArray(fc.constantFrom(A, TXT)), { nil: undefined });
  const grant: fc.Arbitrary<Grant> = fc
    .record({
      allow: fc.subarray(["update", "transfer"] as const),
      zone: fc.option(name, { nil: undefined }),
      name: fc.option(name, { nil: undefined }),
      types,
    })
    .map(
      (fields) =>
        Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined)) as never,
    );

  /** The rule on text, with dots. */
  function covers(
    { allow, zone, name: granted, types: narrow }: Grant,
    owner: string,
    type: number,
  ) {
    const text = (n: Uint8Array) => `.${formatName(n)}`;
    const isWithin = zone === undefined || `.${owner}`.endsWith(text(zone));
    const spelled = granted === undefined ? undefined : formatName(granted);
    const isNamed =
      spelled === undefined ||
      (spelled.startsWith("*.")
        ? owner.endsWith(spelled.slice(1)) && owner.length > spelled.length - 2
        : owner === spelled);
    const isTyped = narrow === undefined || narrow.includes(type);
    const isAnything = zone !== undefined || granted !== undefined;
    return allow.includes("update") && isAnything && isWithin && isNamed && isTyped;
  }

  test("agree with a naive reading on text", () => {
    fc.assert(
      fc.property(
        fc.array(grant, { maxLength: 4 }),
        name,
        fc.constantFrom(A, TXT),
        (grants, owner, type) => {
          const who = { actor: "x", grants, isOperator: false };
          const naive = grants.some((each) => covers(each, formatName(owner), type));
          expect(isGranted(who, "update", owner, type)).toBe(naive);
          if (naive) expect(isGrantedWithin(who, "update", parseName("example"))).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("of an operator cover everything", () => {
    const operator = { actor: "local", grants: [], isOperator: true };
    const owner = parseName("example.com");
    expect(isGranted(operator, "update", owner, A)).toBe(true);
    expect(isTransferGranted(operator, owner)).toBe(true);
  });
});
