import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { EventCounter } from "./event-counter.ts";

function open() {
  const registry = new Registry();
  const counter = new EventCounter({
    name: "events_total",
    help: "Events.",
    labelNames: ["door", "reason"],
    registers: [registry],
  });
  return { registry, counter };
}

test("every event is told once, however often the registry is read", async () => {
  const { registry, counter } = open();
  counter.count("http", "");
  counter.count("http", "");
  counter.count("", "late");
  await registry.metrics();
  counter.count("http", "");
  const text = await registry.metrics();
  expect(text).toContain('events_total{door="http",reason=""} 3\n');
  expect(text).toContain('events_total{door="",reason="late"} 1\n');
  expect(text.split("\n").filter((line) => line.startsWith("events_total{"))).toHaveLength(2);
});

test("nothing is told of what has not happened", async () => {
  expect(await open().registry.metrics()).not.toContain("events_total{");
});
