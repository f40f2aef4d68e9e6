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
