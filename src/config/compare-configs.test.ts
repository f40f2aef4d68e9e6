import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compareConfigs } from "./compare-configs.ts";
import { type Config, loadConfig } from "./config.ts";

const directory = mkdtempSync(join(tmpdir(), "windhover-compare-"));

function config(content: string): Config {
  const file = join(directory, "windhover.yaml");
  writeFileSync(file, content);
  return loadConfig({ file, environment: {}, directory });
}

function compare(before: string, after: string) {
  const current = config(before);
  return compareConfigs({ started: current, current, next: config(after) });
}

const key = (name: string, secret: string) =>
  `{ name: ${name}, algorithm: hmac-sha256, secret: ${secret}, grants: [] }`;
const TLS = "tls: { listen: ['[::1]:853'], certificate: a, key: b }";

describe("what a running server takes over", () => {
  test.each([
    ["", "", []],
    ["http: { ttl: 60 }", "", []],
    ["", "http: { ttl: 61 }", ["http.ttl"]],
    [
      "",
      "http: { trustedProxies: [10.0.0.1], metrics: false }",
      ["http.trustedProxies", "http.metrics"],
    ],
    ["", "dns: { version: v, identity: i }", ["dns.version", "dns.identity"]],
    ["", `dns: { cookieSecret: ${"ab".repeat(16)} }`, ["dns.cookieSecret"]],
    [
      "",
      "dns: { rateLimit: { perSecond: 5 } }",
      ["dns.rateLimit.perSecond", "dns.rateLimit.slip", "dns.rateLimit.exempt"],
    ],
    [
      "dns: { rateLimit: { perSecond: 5, exempt: [10.0.0.1] } }",
      "dns: { rateLimit: { perSecond: 5, exempt: [10.0.0.2] } }",
      ["dns.rateLimit.exempt"],
    ],
    ["", "log: { level: debug }", ["log.level"]],
    ["", "limits: { zoneRRsets: 5 }", ["limits.zoneRRsets"]],
    ["", "history: { entries: 5, days: 1 }", ["history.entries", "history.days"]],
    [
      `dns: { ${TLS} }`,
      `dns: { ${TLS.replace("certificate: a", "certificate: c")} }`,
      ["dns.tls.certificate"],
    ],
    ["", "zones: [{ origin: a.example }]", ["zone a.example. added"]],
    ["zones: [{ origin: a.example }]", "", ["zone a.example. removed from the file"]],
    ["zones: [{ origin: a.example }]", "zones: [{ origin: A.Example. }]", []],
    [
      "zones: [{ origin: a.example }]",
      "zones: [{ origin: a.example, notify: ['[::1]:53'] }]",
      ["zone a.example. changed its notify"],
    ],
    [
      "zones: [{ origin: a.example }]",
      "zones: [{ origin: a.example, file: f }]",
      ["zone a.example. changed its file"],
    ],
    [
      `keys: [${key("a", "MTIz")}]`,
      `keys: [${key("a", "MTI0")}, ${key("b", "MTIz")}]`,
      ["key a changed", "key b added"],
    ],
    [
      `keys: [${key("a", "MTIz")}, ${key("b", "MTIz")}]`,
      `keys: [${key("b", "MTIz")}]`,
      ["key a removed from the file"],
    ],
    [
      "users: [{ name: u, token: t, grants: [] }]",
      "users: [{ name: u, token: s, grants: [] }]",
      ["user u changed"],
    ],
  ])("from %j to %j", (before, after, changed) => {
    expect(compare(before, after)).toMatchObject({ changed, needsRestart: [] });
  });
});

describe("what needs a restart", () => {
  test.each([
    ["dns: { listen: ['127.0.0.1:1'] }", ["dns.listen"]],
    ["dns: { port: dgram, workers: 3 }", ["dns.port", "dns.workers"]],
    ["http: { listen: '' }", ["http.listen"]],
    ["http: { listen: '127.0.0.1:9' }", ["http.listen"]],
    ["watch: false", ["watch"]],
    ["store: ./elsewhere", ["store.url", "socket"]],
    ["store: { waitReplicas: 1 }", ["store.waitReplicas"]],
    ["socket: s", ["socket"]],
    [`dns: { ${TLS} }`, ["dns.tls.listen"]],
  ])("%s", (after, needsRestart) => {
    expect(compare("", after)).toMatchObject({ changed: [], needsRestart });
    expect(compare(after, "")).toMatchObject({ changed: [], needsRestart });
  });

  test("is told until the file says again what the server was started with", () => {
    const [started, other] = [config("store: a"), config("store: b")];
    expect(compareConfigs({ started, current: other, next: other }).needsRestart).toEqual([
      "store.url",
      "socket",
    ]);
    expect(compareConfigs({ started, current: other, next: started }).needsRestart).toEqual([]);
  });
});

describe("what has no effect is said", () => {
  test("a zone that left the file stays", () => {
    const { notes } = compare("zones: [{ origin: a.example }]", "");
    expect(notes).toEqual([expect.stringContaining("zone a.example. stays in the store")]);
  });

  test("the file of a zone that is there is not read", () => {
    const { notes } = compare(
      "zones: [{ origin: a.example }]",
      "zones: [{ origin: a.example, file: f }]",
    );
    expect(notes).toEqual([expect.stringContaining("its file is not read")]);
  });

  test("a zone without a file needs none", () => {
    expect(
      compare("zones: [{ origin: a.example, file: f }]", "zones: [{ origin: a.example }]").notes,
    ).toEqual([]);
  });
});

test("no value is told, as there are secrets among them", () => {
  const changes = compare(`keys: [${key("a", "MTIz")}]`, `keys: [${key("a", "c2VjcmV0")}]`);
  expect(JSON.stringify(changes)).not.toContain("c2Vj");
});
