import { describe, expect, test } from "vitest";
import { createLogger, gatherLines, type LogLevel, takeConsole } from "./log.ts";

function collect(level: LogLevel) {
  const lines: string[] = [];
  const log = createLogger(level, { write: (line: string) => void lines.push(line) });
  return { log, lines };
}

test("one event is one JSON line with its level, time, fields and message", () => {
  const { log, lines } = collect("info");
  log.warn({ zone: "example.com." }, "zone is old");
  expect(lines.length).toBe(1);
  expect(JSON.parse(lines[0] ?? "")).toEqual({
    level: "warn",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    zone: "example.com.",
    msg: "zone is old",
  });
});

test("lines below the level are not written", () => {
  const { log, lines } = collect("warn");
  log.debug({}, "a");
  log.info({}, "b");
  log.error({}, "c");
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["c"]);
});

test("the level may change at any time", () => {
  const { log, lines } = collect("warn");
  log.info({}, "before");
  log.level = "info";
  log.info({}, "after");
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["after"]);
});

test("what a library tells the console is an event of the log, until the console is given back", () => {
  const { log, lines } = collect("info");
  const { warn, error } = console;
  const giveBack = takeConsole(log);
  console.warn("no right to ask %s", "INFO");
  console.error(new Error("Input/output error"));
  giveBack();
  expect([console.warn, console.error]).toEqual([warn, error]);
  const told = lines.map((line) => JSON.parse(line));
  expect(told).toMatchObject([
    { level: "warn", msg: "no right to ask INFO" },
    { level: "error", msg: expect.stringContaining("Error: Input/output error") },
  ]);
});

test("a child carries its fields into every line", () => {
  const { log, lines } = collect("info");
  log.child({ part: "udp" }).info({ port: 53 }, "up");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ part: "udp", port: 53 });
});

test.each(["secret", "password", "token", "authorization"])(
  "the value of %s is hidden",
  (field) => {
    const { log, lines } = collect("info");
    log.info({ [field]: "hunter2" }, "at the top");
    log.info({ key: { secret: "hunter2", password: "hunter2", token: "hunter2" } }, "one below");
    expect(lines.join("")).not.toContain("hunter2");
    expect(lines.join("")).toContain("[hidden]");
  },
);

describe("lines that are gathered", () => {
  function gathered() {
    const writes: string[] = [];
    const before = new Set(process.listeners("exit"));
    const log = createLogger("info", gatherLines({ write: (text) => void writes.push(text) }));
    const atExit = process.listeners("exit").filter((each) => !before.has(each));
    for (const listener of atExit) process.removeListener("exit", listener);
    return { log, writes, exit: () => atExit.forEach((listener) => void listener(0)) };
  }

  test("leave at the end of the turn with one write, in order", async () => {
    const { log, writes } = gathered();
    log.info({}, "one");
    log.child({ part: "udp" }).warn({}, "two");
    expect(writes).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(writes).toHaveLength(1);
    log.info({}, "three");
    await new Promise((resolve) => setImmediate(resolve));
    const lines = writes.join("").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["one", "two", "three"]);
  });

  test("leave when the process exits in the middle of a turn", () => {
    const { log, writes, exit } = gathered();
    log.error({}, "last words");
    exit();
    expect(writes.map((line) => JSON.parse(line).msg)).toEqual(["last words"]);
    exit();
    expect(writes).toHaveLength(1);
  });
});
