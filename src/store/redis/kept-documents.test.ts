import { describe, expect, test } from "vitest";
import { Limits } from "../../base/limits.ts";
import {
  type FoundDocuments,
  isOlderHistory,
  KeptDocuments,
  parseDocumentHistory,
} from "./kept-documents.ts";

function found(history: string | undefined, documents: Record<string, string>): FoundDocuments {
  return {
    history: history === undefined ? undefined : parseDocumentHistory(history),
    documents: new Map(Object.entries(documents)),
  };
}

function keeping(...looks: readonly FoundDocuments[]): KeptDocuments {
  const kept = new KeptDocuments();
  for (const look of looks) kept.take(look);
  return kept;
}

const EMPTY = found(undefined, {});
const AFTER = parseDocumentHistory("7 1 a");
const put = (id: string, to: string) => ({ id, from: undefined, to });

describe("the history of a kind", () => {
  test.each([
    ["3 1 0af", { writes: 3, restores: 1, mark: "0af" }],
    ["3", { writes: 3, restores: 0, mark: "" }],
    ["", undefined],
    ["many", undefined],
    ["3 1 xyz", undefined],
  ])("%j", (text, history) => expect(parseDocumentHistory(text)).toEqual(history));

  test.each([
    ["the same", "5 1 a", "5 1 a", false],
    ["a later one", "6 2 a", "5 1 a", false],
    ["the first that is seen", "5 1 a", "", false],
    ["fewer writes", "4 1 a", "5 1 a", true],
    ["fewer restores", "9 0 a", "5 1 a", true],
    ["another mark", "9 9 b", "5 1 a", true],
    ["none", "", "5 1 a", true],
  ])("%s", (_, now, before, isOlder) => {
    const verdict = isOlderHistory(parseDocumentHistory(now), parseDocumentHistory(before));
    expect(verdict).toBe(isOlder);
  });
});

describe("what Redis lost", () => {
  test("nothing is put back while it only goes on, whatever is deleted", () => {
    const kept = keeping(found("2 0 a", { x: "1", y: "2" }));
    expect(kept.repairs(found("4 0 a", {}))).toEqual([]);
  });

  test("a node that just came knows nothing better than what there is", () => {
    expect(keeping().repairs(found("9 3 a", { x: "1" }))).toEqual([]);
  });

  test("all of it, when it was emptied", () => {
    const kept = keeping(found("2 0 a", { x: "1", y: "2" }));
    expect(kept.repairs(EMPTY)).toEqual([put("x", "1"), put("y", "2")]);
  });

  test("what was written since, by us or others, stays; the rest is put back", () => {
    const kept = keeping(found("2 0 a", { x: "1", y: "2" }));
    expect(kept.repairs(found("1 0 b", { y: "3" }))).toEqual([put("x", "1")]);
    kept.wrote("z", "4", parseDocumentHistory("1 0 b"));
    kept.wrote("x", undefined, parseDocumentHistory("2 0 b"));
    expect(kept.repairs(found("1 0 b", { z: "4" }))).toEqual([put("y", "2")]);
  });

  test("once: what another node deletes right after is not put back again", () => {
    const kept = keeping(found("2 0 a", { x: "1" }));
    const other = found("1 0 b", {});
    expect(kept.repairs(other)).toHaveLength(1);
    kept.repaired(other);
    expect(kept.repairs(found("3 2 b", {}))).toEqual([]);
  });

  test("what came after an older copy is put back", () => {
    const kept = keeping(found("2 0 a", { x: "1", y: "2" }));
    expect(kept.repairs(found("1 0 a", { x: "1" }))).toEqual([put("y", "2")]);
  });
});

describe("a write of our own", () => {
  test("begins the history that is known", () => {
    const kept = keeping(EMPTY);
    kept.wrote("x", "1", parseDocumentHistory("1 0 a"));
    expect(kept.repairs(EMPTY)).toEqual([put("x", "1")]);
  });

  test("goes on in it, so that an older copy is known by it", () => {
    const kept = keeping(found("1 0 a", { x: "1" }));
    kept.wrote("y", "2", parseDocumentHistory("2 0 a"));
    kept.wrote("z", "3", parseDocumentHistory("3 0 a"));
    expect(kept.repairs(found("2 0 a", { x: "1", y: "2" }))).toEqual([put("z", "3")]);
  });

  test("hides neither that Redis was emptied before it, nor that another node put something back", () => {
    const kept = keeping(found("1 0 a", { x: "1" }), found("2 0 a", { y: "1" }));
    kept.wrote("z", "2", parseDocumentHistory("4 1 a"));
    const back = found("4 1 a", { x: "1", y: "1", z: "2" });
    expect(kept.repairs(back)).toEqual([{ id: "x", from: "1", to: undefined }]);
    kept.wrote("z", "3", parseDocumentHistory("1 0 b"));
    expect(kept.repairs(found("1 0 b", { z: "3" }))).toEqual([put("y", "1")]);
  });
});

describe("what had ended", () => {
  test("an older copy has what was revoked: it is revoked again", () => {
    const kept = keeping(found("1 0 a", { x: "1" }), found("2 0 a", {}));
    expect(kept.repairs(found("1 0 a", { x: "1" }))).toEqual([
      { id: "x", from: "1", to: undefined },
    ]);
  });

  test("an older copy has what was changed: it is changed again", () => {
    const kept = keeping(found("1 0 a", { x: "1" }));
    kept.wrote("x", "2", parseDocumentHistory("2 0 a"));
    expect(kept.repairs(found("1 0 a", { x: "1" }))).toEqual([{ id: "x", from: "1", to: "2" }]);
  });

  test("another node puts back what it did not know to be revoked", () => {
    const kept = keeping(found("1 0 a", { x: "1" }), found("2 0 a", {}), EMPTY);
    expect(kept.repairs(found("1 1 b", { x: "1" }))).toEqual([
      { id: "x", from: "1", to: undefined },
    ]);
  });

  test("who makes the same again may", () => {
    const kept = keeping(found("1 0 a", { x: "1" }), found("2 0 a", {}));
    expect(kept.repairs(found("3 0 a", { x: "1" }))).toEqual([]);
    kept.take(found("3 0 a", { x: "1" }));
    expect(kept.repairs(found("4 1 a", { x: "1" }))).toEqual([]);
    kept.wrote("x", undefined, AFTER);
    kept.wrote("x", "1", AFTER);
    expect(kept.repairs(found("9 9 a", { x: "1" }))).toEqual([]);
  });

  test("as many as the bound are remembered, and of one more the first is not", () => {
    const kept = keeping(found("1 0 a", { first: "1" }), found("2 0 a", {}));
    const isRemembered = () => kept.repairs(found("1 0 a", { first: "1" })).length > 0;
    for (let at = 1; at < Limits.pastDocuments; at++) {
      kept.wrote("x", String(at), AFTER);
      kept.wrote("x", undefined, AFTER);
    }
    expect(isRemembered()).toBe(true);
    kept.wrote("x", "last", AFTER);
    kept.wrote("x", undefined, AFTER);
    expect(isRemembered()).toBe(false);
  });
});
