import { expect, test } from "vitest";
import { basic, ORIGIN, openHttpFixture } from "../../../test/server/http-fixture.ts";
import { COUNTERS, Counter, counterRow, createCounterMemory } from "../../base/counters.ts";
import { Rcode } from "../../wire/code-points.ts";
import { Metrics } from "./metrics.ts";

function open() {
  const counterMemory = createCounterMemory(2);
  const table = { bytesUsed: 4_096, bytesRetired: 8, names: 7, rrsets: 9, zones: 1 };
  const metrics = new Metrics({
    counterMemory,
    zones: () => [{ origin: ORIGIN, serial: 4_294_967_295 }],
    table: () => table,
    isStoreUp: () => false,
    lostRRsets: () => 7,
    configuration: { problem: "", takenOverMs: 0 },
  });
  return { counterMemory, metrics };
}

test("every name is ours or a process default, in snake case, with help, a base unit and `_total`", async () => {
  const { metrics } = open();
  const all = await metrics.registry.getMetricsAsJSON();
  const ours = all.filter(({ name }) => !/^(process|nodejs)_/.test(name));
  expect(ours.length).toBeGreaterThan(10);
  for (const { name, help, type } of ours) {
    expect(name).toMatch(/^windhover_[a-z]+(_[a-z]+)*$/);
    expect(help).toMatch(/^[A-Z0-9].{10,}\.$/);
    expect(name.endsWith("_total")).toBe(String(type) === "counter");
    expect(name).not.toMatch(/_(ms|milliseconds|kb|kib|mb|minutes|percent)(_|$)/);
  }
});

test("the cells of all threads are read when asked, each counter in one place", async () => {
  const { counterMemory, metrics } = open();
  for (const thread of [0, 1]) {
    const row = counterRow(counterMemory, thread);
    for (const name of COUNTERS) row[Counter[name]] = 10 ** thread * (Counter[name] + 1);
  }
  const text = await metrics.registry.metrics();
  expect(text).toContain('windhover_dns_queries_total{transport="udp"} 11\n');
  expect(text).toContain('windhover_dns_responses_total{rcode="nxdomain"} 55\n');
  const dns = text.split("\n").filter((line) => /^windhover_dns_/.test(line));
  expect(dns).toHaveLength(COUNTERS.length);
  const again = await metrics.registry.metrics();
  expect(again).toContain('windhover_dns_queries_total{transport="udp"} 11\n');
});

test("an observed engine gives the same verdict and counts it by its door", async () => {
  const { metrics } = open();
  const verdict = { status: "unchanged", serial: 1 } as const;
  const engine = metrics.observeEngine({ submit: async () => verdict });
  const request = {
    origin: ORIGIN,
    principal: { actor: "local", grants: [], isOperator: true },
    door: "report",
    address: "",
    prerequisites: [],
    operations: [],
  } as const;
  expect(await engine.submit(request)).toBe(verdict);
  const text = await metrics.registry.metrics();
  expect(text).toContain(
    'windhover_updates_total{door="report",verdict="unchanged",reason=""} 1\n',
  );
});

test("verdicts, commits, zones and the store are told", async () => {
  const { metrics } = open();
  metrics.observeVerdict("dyndns2", { status: "applied", serial: 2, sequence: 2 });
  metrics.observeVerdict("rfc2136", {
    status: "refused",
    rcode: Rcode.refused,
    reason: "no-grant",
    detail: "",
  });
  metrics.observeCommit(3, 0.002);
  const text = await metrics.registry.metrics();
  for (const line of [
    'windhover_updates_total{door="dyndns2",verdict="applied",reason=""} 1',
    'windhover_updates_total{door="rfc2136",verdict="refused",reason="no-grant"} 1',
    'windhover_update_batch_updates_bucket{le="4"} 1',
    'windhover_commit_duration_seconds_bucket{le="0.0025"} 1',
    'windhover_zone_serial{zone="dyn.example.com."} 4294967295',
    "windhover_names 7",
    "windhover_table_used_bytes 4096",
    "windhover_store_up 0",
    "windhover_lost_rrsets 7",
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test("/metrics is served where the settings say so, and its routes are never what clients send", async () => {
  const fixture = await openHttpFixture();
  const headers = { authorization: basic("bob", "bobs-plain-token") };
  await fixture.app.inject({ method: "GET", url: "/nic/update?myip=192.0.2.1", headers });
  await fixture.app.inject({ method: "GET", url: "/secret-path-of-a-scanner" });
  const reply = await fixture.app.inject({ method: "GET", url: "/metrics" });
  expect(reply.headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(reply.body).toContain(
    'windhover_http_requests_total{route="/nic/update",status="200"} 1\n',
  );
  expect(reply.body).toContain('windhover_http_requests_total{route="none",status="404"} 1\n');
  expect(reply.body).not.toContain("scanner");
  await fixture.close();
  const without = await openHttpFixture({ metrics: false });
  expect((await without.app.inject({ method: "GET", url: "/metrics" })).statusCode).toBe(404);
  await without.close();
});
