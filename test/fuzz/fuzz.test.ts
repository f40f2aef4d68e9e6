/** The fuzzers themselves, the kept corpus for ever, and a short run of each target; longer ones by `npm run fuzz`. */
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { readCorpus } from "./corpus.ts";
import { Random } from "./random.ts";
import { fuzz } from "./target.ts";
import { messageTarget } from "./targets/message.ts";
import { TARGETS } from "./targets.ts";

const SEED = 20_260_101;
const CASES = 3_000;

describe("the fuzzer", () => {
  test("finds a planted mistake, and seed and index bring the same input back", () => {
    const broken = {
      ...messageTarget,
      check: (input: Uint8Array) => {
        if (input.length > 30 && input[2] === 0x28 && input[7] === 1) throw new Error("planted");
      },
    };
    const { failure } = fuzz(broken, { seed: SEED, isOver: (played) => played === 20_000 });
    if (failure === undefined) throw new Error("it found nothing");
    const again = broken.mutate(new Random(SEED, failure.index), broken.seeds);
    expect(toHex(again)).toBe(toHex(failure.input));
  });

  test("makes messages that are answered, handed over, refused and passed over", () => {
    const kinds = new Set<string>();
    for (let index = 0; index < 2_000; index++) {
      const input = messageTarget.mutate(new Random(SEED, index), messageTarget.seeds);
      if (input.length < 12) kinds.add("short");
      else kinds.add(`opcode ${((input[2] as number) >> 3) & 15}, QR ${(input[2] as number) >> 7}`);
    }
    const some = ["short", "opcode 0, QR 0", "opcode 0, QR 1", "opcode 5, QR 0", "opcode 4, QR 0"];
    expect([...kinds]).toEqual(expect.arrayContaining(some));
  });
});

describe.each(TARGETS.map((target) => [target.name, target] as const))("%s", (name, target) => {
  test.each(readCorpus(name).map(({ file, input }) => [file, input] as const))(
    "kept: %s",
    (_, input) => {
      target.check(input);
    },
  );

  test("the seeds themselves are harmless", () => {
    for (const seed of target.seeds) target.check(seed);
  });

  test(`${CASES} mutations are harmless`, () => {
    const corpus = readCorpus(name).map(({ input }) => input);
    const run = { seed: SEED, isOver: (played: number) => played === CASES, corpus };
    const { failure } = fuzz(target, run);
    if (failure === undefined) return;
    const replay = `npm run fuzz -- --target ${name} --seed ${SEED} --case ${failure.index}`;
    throw new Error(`${replay}\n${toHex(failure.input)}`, { cause: failure.error });
  });
});
