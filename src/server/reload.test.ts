import { describe, expect, test } from "vitest";
import { listLogger } from "../../test/update/fakes.ts";
import { type Change, Reloader } from "./reload.ts";

/** A configuration of one word, and two parts that take it. */
function open(
  spoil: { prepare?: (next: string) => void; make?: (next: string) => Promise<void> } = {},
) {
  const log = listLogger();
  let ms = 1_000;
  const file = { content: "one", problem: "" };
  const reloader = new Reloader<string>({
    started: "one",
    load: () => {
      if (file.problem !== "") throw new Error(file.problem);
      return file.content;
    },
    compare: ({ started, current, next }) => ({
      changed: current === next ? [] : [`${current} to ${next}`],
      needsRestart: started === next || !next.includes("restart") ? [] : ["the rest"],
      notes: next === "noted" ? ["a note"] : [],
    }),
    clock: { nowMs: () => ms++, monotonicMs: () => 0 },
    log,
  });
  const parts = ["one", "one"];
  const part =
    (at: number) =>
    (next: string): Change => ({ swap: () => void parts.splice(at, 1, next) });
  reloader.add(part(0));
  reloader.add(async (next) => {
    spoil.prepare?.(next);
    return {
      ...part(1)(next),
      ...(spoil.make && { make: () => spoil.make?.(next) as Promise<void> }),
    };
  });
  const messages = () => log.lines.map(({ level, message }) => `${level}: ${message}`);
  return { reloader, file, parts, log, messages };
}

describe("a reload", () => {
  test("changes every part", async () => {
    const { reloader, file, parts, log } = open();
    file.content = "two";
    const before = reloader.takenOverMs;
    expect(await reloader.reload("signal")).toMatchObject({ changed: ["one to two"] });
    expect(parts).toEqual(["two", "two"]);
    expect(reloader.takenOverMs).toBeGreaterThan(before);
    expect(log.lines).toMatchObject([
      { level: "info", fields: { trigger: "signal", changed: ["one to two"] } },
    ]);
  });

  test("compares with the one before, and with the start", async () => {
    const { reloader, file } = open();
    file.content = "restart";
    await reloader.reload("command");
    file.content = "restart 2";
    expect(await reloader.reload("command")).toMatchObject({
      changed: ["restart to restart 2"],
      needsRestart: ["the rest"],
    });
    file.content = "one";
    expect(await reloader.reload("command")).toMatchObject({ needsRestart: [] });
  });

  test("tells what needs a restart as a warning, and what has no effect", async () => {
    const { reloader, file, messages } = open();
    file.content = "restart";
    await reloader.reload("file");
    file.content = "noted";
    await reloader.reload("file");
    await reloader.reload("signal");
    expect(messages()).toEqual([
      "info: the configuration was taken over",
      "warn: needs a restart, and stays as it is until then: the rest",
      "info: the configuration was taken over",
      "info: a note",
      "info: the configuration was read: nothing changed",
      "info: a note",
    ]);
  });

  test("waits for what parts have to settle, after all have changed", async () => {
    const { reloader, file, parts } = open();
    let settle = () => {};
    let seen: string[] = [];
    reloader.add(() => ({
      swap: () => {
        seen = [...parts];
        return new Promise((resolve) => {
          settle = resolve;
        });
      },
    }));
    reloader.add((next) => ({ swap: () => void parts.push(next) }));
    file.content = "two";
    const reload = reloader.reload("signal");
    await expect.poll(() => parts).toEqual(["two", "two", "two"]);
    expect(seen).toEqual(["two", "two"]);
    settle();
    await reload;
  });

  test("comes after the one before", async () => {
    const order: string[] = [];
    const { reloader, file, parts } = open({
      make: async (next) => {
        order.push(`begin ${next}`);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`end ${next}`);
      },
    });
    file.content = "two";
    const first = reloader.reload("signal");
    await Promise.resolve();
    file.content = "three";
    await Promise.all([first, reloader.reload("signal")]);
    expect(order).toEqual(["begin two", "end two", "begin three", "end three"]);
    expect(parts).toEqual(["three", "three"]);
  });
});

describe("nothing changes", () => {
  const broken = () => {
    throw new Error("no such thing");
  };

  test.each([
    ["the file is bad", {}],
    ["a part could not work by it", { prepare: broken }],
    ["the store fails", { make: async () => broken() }],
  ])("when %s", async (_, spoil) => {
    const { reloader, file, parts, messages } = open(spoil);
    const since = reloader.takenOverMs;
    file.content = "two";
    if (Object.keys(spoil).length === 0) file.problem = "no such thing";
    await expect(reloader.reload("command")).rejects.toThrow("no such thing");
    expect(parts).toEqual(["one", "one"]);
    expect(reloader.problem).toBe("no such thing");
    expect(reloader.takenOverMs).toBe(since);
    expect(messages()).toEqual([
      "error: the configuration was not taken over; everything stays as it was",
    ]);
  });

  test("in a check, which tells what would", async () => {
    let made = 0;
    const { reloader, file, parts, messages } = open({ make: async () => void made++ });
    file.content = "two";
    expect(await reloader.check()).toMatchObject({ changed: ["one to two"] });
    expect({ parts, made, lines: messages() }).toEqual({
      parts: ["one", "one"],
      made: 0,
      lines: [],
    });
    file.problem = "bad";
    await expect(reloader.check()).rejects.toThrow("bad");
    expect(reloader.problem).toBe("");
  });

  test("once the server is shutting down, but what is under way ends", async () => {
    let end = () => {};
    const make = () =>
      new Promise<void>((resolve) => {
        end = resolve;
      });
    const { reloader, file, parts } = open({ make });
    file.content = "two";
    const reload = reloader.reload("signal");
    await new Promise((resolve) => setImmediate(resolve));
    const closed = reloader.close();
    await expect(reloader.reload("signal")).rejects.toMatchObject({ code: "shutting-down" });
    end();
    await Promise.all([closed, reload]);
    expect(parts).toEqual(["two", "two"]);
  });
});

test("a file that was taken over already is no news, unless something waits for a restart now", async () => {
  const { reloader, file, messages } = open();
  await reloader.reload("file");
  file.content = "restart";
  await reloader.reload("command");
  const told = messages();
  await reloader.reload("file");
  expect(messages()).toEqual(told);
  expect(told).toHaveLength(2);
});

test("a file that stays bad is told once, to whoever asks each time, and the next mistake is told again", async () => {
  const { reloader, file, messages } = open();
  const fail = (trigger: "file" | "command") => expect(reloader.reload(trigger)).rejects.toThrow();
  file.problem = "bad";
  await fail("file");
  await fail("file");
  expect(messages()).toHaveLength(1);
  await fail("command");
  expect(messages()).toHaveLength(2);
  file.problem = "worse";
  await fail("file");
  expect(messages()).toHaveLength(3);
  file.problem = "";
  await reloader.reload("file");
  expect(reloader.problem).toBe("");
  file.problem = "worse";
  await fail("file");
  expect(messages()).toHaveLength(5);
});
