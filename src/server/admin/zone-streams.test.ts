import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ErrorCode } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";
import { ZoneStreams } from "./zone-streams.ts";

const LINES = ["one\n", "two\n"];

function counted() {
  const closed = { times: 0 };
  return { closed, close: () => void closed.times++ };
}

describe("an export", () => {
  test("has its lines, and ends what it reads once", async () => {
    const { closed, close } = counted();
    const stream = new ZoneStreams().send(LINES, close);
    const ended = once(stream, "close");
    expect(await text(stream)).toBe("one\ntwo\n");
    await ended;
    expect(closed.times).toBe(1);
  });

  test("is whole however long, and goes on as it is read", async () => {
    let made = 0;
    const lines = (function* () {
      for (; made < 100_000; made++) yield `line ${made}\n`;
    })();
    const stream = new ZoneStreams().send(lines);
    let read = "";
    for await (const piece of stream) {
      if (read === "") expect(made).toBeLessThan(50_000);
      read += piece;
    }
    expect(read.split("\n")).toHaveLength(100_001);
    expect(read.endsWith("line 99999\n")).toBe(true);
  });

  test("may be of lines that are waited for, or of none", async () => {
    const awaited = (async function* () {
      yield* LINES;
    })();
    expect(await text(new ZoneStreams().send(awaited))).toBe("one\ntwo\n");
    expect(await text(new ZoneStreams().send([]))).toBe("");
  });

  test("that nobody begins to read, or that is broken off, ends it as well", async () => {
    const { closed, close } = counted();
    const streams = new ZoneStreams();
    const unread = streams.send(LINES, close);
    const ended = once(unread, "close");
    unread.destroy();
    await ended;
    const broken = streams.send(LINES, close);
    const failed = expect(text(broken)).rejects.toThrow("cut");
    broken.destroy(new Error("cut"));
    await failed;
    await vi.waitFor(() => expect(closed.times).toBe(2));
  });

  test("waits for no place: as many as the bound are under way, and not one more", async () => {
    const { closed, close } = counted();
    const streams = new ZoneStreams();
    const all = Array.from({ length: Limits.zoneExports }, () => streams.send(LINES, close));
    expect(() => streams.send(LINES, close)).toThrow(
      expect.objectContaining({ code: ErrorCode.limit }),
    );
    expect(closed.times).toBe(1);
    const [first] = all;
    const ended = once(first!, "close");
    await text(first!);
    await ended;
    expect(await text(streams.send(LINES, close))).toBe("one\ntwo\n");
    for (const each of all) each.destroy();
  });
});

describe("an export that nobody reads on", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  test("is broken off when its time is over, and not before", async () => {
    const { closed, close } = counted();
    const stream = new ZoneStreams().send(LINES, close);
    vi.advanceTimersByTime(Limits.zoneExportMs - 1);
    expect(stream.destroyed).toBe(false);
    const failed = once(stream, "error");
    vi.advanceTimersByTime(1);
    expect((await failed)[0]).toMatchObject({ code: ErrorCode.limit });
    expect(closed.times).toBe(1);
  });
});
