import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Value } from "@sinclair/typebox/value";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { Limits } from "../base/limits.ts";
import { formatName, parseName } from "../wire/name.ts";
import { loadConfig } from "./config.ts";
import { ConfigText } from "./schema.ts";

function fromFile(content: string, environment: NodeJS.ProcessEnv = {}) {
  const directory = mkdtempSync(join(tmpdir(), "windhover-config-"));
  const file = join(directory, "windhover.yaml");
  writeFileSync(file, content);
  return { directory, load: () => loadConfig({ file, environment, directory: "/nowhere" }) };
}

function fromEnvironment(environment: NodeJS.ProcessEnv) {
  return loadConfig({ file: undefined, environment, directory: "/srv/windhover" });
}

describe("defaults", () => {
  test("nothing configured listens on loopback and stores beside the caller", () => {
    const config = fromEnvironment({});
    expect(config.dns.listen).toEqual([{ address: "127.0.0.1", port: 5300 }]);
    expect(config.http.listen).toEqual({ address: "127.0.0.1", port: 8053 });
    expect(config.store).toEqual({
      url: "/srv/windhover/data",
      prefix: "",
      waitReplicas: 0,
      waitMs: 1_000,
    });
    expect(config.history).toEqual({ entries: 10_000, days: 0 });
    expect(config.socket).toBe("/srv/windhover/data/windhover.sock");
    expect(config.http.ttl).toBe(60);
  });

  test("deploy/windhover.yaml names every key with what holds when nothing is said", () => {
    const file = new URL("../../deploy/windhover.yaml", import.meta.url);
    const { zones, store, ...named } = parse(readFileSync(file, "utf8"));
    const defaults = Value.Default(ConfigText, {}) as ConfigText;
    const { zones: none, store: theirs, ...others } = defaults;
    expect(named).toEqual(others);
    expect([none, store]).toEqual([[], theirs.url]);
    expect(zones).toHaveLength(1);
  });

  test("the value is frozen all the way down", () => {
    const config = fromEnvironment({});
    expect(Object.isFrozen(config.dns.listen[0])).toBe(true);
  });

  test("an empty file is as no file", () => {
    expect(fromFile("").load().dns.listen).toHaveLength(1);
  });
});

describe("the file", () => {
  test("paths are relative to the file, names are absolute, addresses are parsed", () => {
    const { directory, load } = fromFile(`
zones:
  - origin: Dyn.Example.COM
    file: zones/dyn.zone
    notify: ["[::1]:5401"]
`);
    const zone = load().zones[0];
    expect(zone?.file).toBe(join(directory, "zones/dyn.zone"));
    expect(formatName(zone?.origin as Uint8Array)).toBe("dyn.example.com.");
    expect(zone?.notify).toEqual([{ address: "::1", port: 5401 }]);
  });

  test("a secondary may have a key that its NOTIFY is signed with", () => {
    const { load } = fromFile(`
zones:
  - origin: a.example
    notify: ["127.0.0.1:53", { address: "127.0.0.1:5401", key: To-Secondary }, { address: "[::1]:53" }]
`);
    expect(load().zones[0]?.notify).toEqual([
      { address: "127.0.0.1", port: 53 },
      { address: "127.0.0.1", port: 5401, key: parseName("to-secondary") },
      { address: "::1", port: 53 },
    ]);
  });

  test("a Redis URL is kept and the socket goes to ./data", () => {
    const { directory, load } = fromFile("store: redis://127.0.0.1:6379/0");
    expect(load().store.url).toBe("redis://127.0.0.1:6379/0");
    expect(load().socket).toBe(join(directory, "data/windhover.sock"));
  });

  test("a store is a string, or keys of which `url` is the string, in the file and in the environment", () => {
    const keys = { url: "redis://h:1/0", prefix: "dns:", waitReplicas: 1, waitMs: 1_000 };
    const long = "store: { url: redis://h:1/0, prefix: 'dns:', waitReplicas: 1 }";
    expect(fromFile(long).load().store).toEqual(keys);
    const url = { WINDHOVER_STORE: "redis://h:1/0" };
    expect(fromFile("store: { prefix: 'dns:', waitReplicas: 1 }", url).load().store).toEqual(keys);
    const prefix = { WINDHOVER_STORE__PREFIX: "dns:", WINDHOVER_STORE__WAIT_REPLICAS: "1" };
    expect(fromFile("store: redis://h:1/0", prefix).load().store).toEqual(keys);
    expect(fromEnvironment({ ...prefix, ...url }).store).toEqual(keys);
    expect(() => fromFile("store: { prefiks: x }").load()).toThrow("did you mean `prefix`?");
    for (const wrong of ["{x}:", "a b", "x".repeat(65)]) {
      const written = `store: { prefix: ${JSON.stringify(wrong)} }`;
      expect(() => fromFile(written).load()).toThrow("`store.prefix`");
    }
  });

  test.each([
    ["history: { entries: 0 }", "history: { entries: 1 }"],
    [
      `history: { entries: ${Limits.journalEntries + 1} }`,
      `history: { entries: ${Limits.journalEntries} }`,
    ],
    [`history: { days: ${Limits.journalDays + 1} }`, `history: { days: ${Limits.journalDays} }`],
    ["history: { days: -1 }", "history: { days: 0.5 }"],
    ["store: { waitMs: 0 }", "store: { waitMs: 1 }"],
    [
      `store: { waitMs: ${Limits.redisCommandMs + 1} }`,
      `store: { waitMs: ${Limits.redisCommandMs} }`,
    ],
    [
      `store: { waitReplicas: ${Limits.redisReplicas + 1} }`,
      `store: { waitReplicas: ${Limits.redisReplicas} }`,
    ],
  ])("%s is past a bound, %s at it", (past, at) => {
    expect(() => fromFile(past).load()).toThrow(/expected .* to be (greater|less)/);
    fromFile(at).load();
  });
});

describe("protection", () => {
  test("is off, and cookies are made with a secret of their own, when nothing is said", () => {
    const { cookieSecret, rateLimit, tls } = fromEnvironment({}).dns;
    expect({ cookieSecret, rateLimit, tls }).toEqual({});
  });

  test("cookie secret, rate limit and TLS", () => {
    const { directory, load } = fromFile(`
dns:
  cookieSecret: 000102030405060708090A0B0C0D0E0F
  rateLimit: { perSecond: 20, exempt: ["192.0.2.0/24", "::1"] }
  tls: { listen: ["[::1]:853"], certificate: cert.pem, key: /etc/ssl/key.pem }
`);
    const { cookieSecret, rateLimit, tls } = load().dns;
    expect([...(cookieSecret as Uint8Array)]).toEqual(Array.from({ length: 16 }, (_, at) => at));
    expect(rateLimit).toMatchObject({ perSecond: 20, slip: 2 });
    expect(rateLimit?.exempt.map(({ bits }) => bits)).toEqual([24, 128]);
    expect(tls).toEqual({
      listen: [{ address: "::1", port: 853 }],
      certificate: join(directory, "cert.pem"),
      key: "/etc/ssl/key.pem",
    });
  });
});

describe("mistakes are named", () => {
  test.each([
    ["htpp: {}", "unknown key `htpp`; did you mean `http`?"],
    ["dns: { lisen: ['127.0.0.1:53'] }", "unknown key `dns.lisen`; did you mean `listen`?"],
    ["zones: [{ origin: a.b, fil: x }]", "unknown key `zones[0].fil`; did you mean `file`?"],
    [
      "users: [{ name: alice, token: t, grnts: [] }]",
      "unknown key `users[0].grnts`; did you mean `grants`?",
    ],
    ["users: [{ name: alice, token: t }]", "`users[0].grants` is missing"],
    ["http: { wholly_unlike: 1 }", "known here: listen, trustedProxies, ttl, metrics"],
    ["dns: { listen: ['nowhere'] }", '`dns.listen[0]`: "nowhere" is not an address with a port'],
    ["http: { listen: '127.0.0.1:70000' }", "`http.listen`"],
    ["zones: [{ origin: a.b, notify: [{ address: x }] }]", "`zones[0].notify[0].address`"],
    [
      "zones: [{ origin: a.b, notify: [{ address: '127.0.0.1:53', key: a..b }] }]",
      "`zones[0].notify[0].key`: bad domain name",
    ],
    ["zones: [{ origin: a.b, notify: [{ adress: '127.0.0.1:53' }] }]", "`zones[0].notify[0]`"],
    ["zones: [{ origin: a.b, notify: [53] }]", "`zones[0].notify[0]`"],
    ["http: { ttl: -1 }", "`http.ttl`"],
    ["zones: [{ origin: 'a..b' }]", "`zones[0].origin`: bad domain name"],
    ["users: [{ name: 'a:b', grants: [] }]", "`users[0].name`"],
    [`limits: { zoneRRsets: ${Limits.zoneRRsets + 1} }`, "`limits.zoneRRsets`"],
    ["limits: { zoneRRsets: 0 }", "`limits.zoneRRsets`"],
    ["dns: { cookieSecret: abc }", "`dns.cookieSecret`"],
    ["dns: { rateLimit: { perSecond: -1 } }", "`dns.rateLimit.perSecond`"],
    [
      "dns: { rateLimit: { exempt: ['192.0.2.0/33'] } }",
      '`dns.rateLimit.exempt[0]`: "192.0.2.0/33" is neither an address nor a prefix',
    ],
    ["dns: { tls: { listen: ['x'], certificate: a, key: b } }", "`dns.tls.listen[0]`"],
    ["dns: { tls: { listen: ['[::1]:853'], key: b } }", "`dns.tls.certificate`: is missing"],
    ["dns: { tls: { listen: ['[::1]:853'], certificate: a } }", "`dns.tls.key`: is missing"],
    ["dns: { port: fast }", "`dns.port`"],
    ["dns: { workers: 64 }", "`dns.workers`"],
    ["dns: { workers: -1 }", "`dns.workers`"],
    ["- a list", "must be a mapping"],
  ])("%s", (content, message) => {
    expect(fromFile(content).load).toThrow(message);
  });

  test("YAML mistakes carry file, line and column", () => {
    expect(fromFile("dns:\n  listen: [").load).toThrow(/windhover\.yaml:\d+:\d+: /);
  });

  const SECRET = "secret: MDEyMzQ1Njc4OWFiY2RlZg==, grants: []";

  test.each([
    [
      "an unknown key",
      "dns: {}\nhttp:\n  tll: 60\n",
      "windhover.yaml:3:3: unknown key `http.tll`; did you mean `ttl`?",
    ],
    [
      "a value",
      "zones:\n  - origin: a.example\n  - origin: b.example\n    notify: ['x']\n",
      "windhover.yaml:4:14: `zones[1].notify[0]`",
    ],
    ["something missing", "zones:\n  - file: x\n", "windhover.yaml:2:5: `zones[0].origin`"],
    [
      "a key",
      `keys:\n  - { name: k, algorithm: none, ${SECRET} }\n`,
      "windhover.yaml:2:5: `keys[0]`: TSIG key k has an unknown algorithm",
    ],
    [
      "a grant",
      "keys:\n  - name: k\n    algorithm: hmac-sha256\n    secret: MDEyMzQ1Njc4OWFiY2RlZg==\n    grants: [{ allow: [update] }]\n",
      "neither `zone` nor `name`",
    ],
    [
      "a user",
      "users: [{ name: u, password: plain, grants: [] }]",
      "windhover.yaml:1:9: `users[0]`: user u has a password that is not",
    ],
    [
      "a proxy",
      "http: { trustedProxies: [10.0.0.0/33] }",
      "windhover.yaml:1:26: `http.trustedProxies[0]`",
    ],
    [
      "a text that is too long",
      `dns: { identity: ${"ü".repeat(65)} }`,
      "`dns.identity`: has 130 octets",
    ],
    [
      "a zone named twice",
      "zones: [{ origin: a.example }, { origin: A.Example. }]",
      "`zones[1].origin`: there is one of this name above",
    ],
    [
      "a key named twice",
      `keys: [{ name: k, algorithm: hmac-sha256, ${SECRET} }, { name: K., algorithm: hmac-sha256, ${SECRET} }]`,
      "`keys[1].name`: there is one",
    ],
    [
      "a user named twice",
      "users: [{ name: u, token: a, grants: [] }, { name: u, token: b, grants: [] }]",
      "`users[1].name`: there is one",
    ],
    [
      "an unknown key that an alias names",
      "x: &a { ttl: -1 }\nhttp: *a\n",
      "windhover.yaml:1:1: unknown key `x`",
    ],
    [
      "aliases without end",
      `a: &a [1]\n${Array.from({ length: 9 }, (_, at) => `${"bcdefghij"[at]}: &${"bcdefghij"[at]} [${Array(9).fill(`*${"abcdefghi"[at]}`).join(",")}]`).join("\n")}`,
      "windhover.yaml: ",
    ],
  ])("%s with its line and column", (_, content, message) => {
    expect(fromFile(content).load).toThrow(message);
  });

  test.each([
    ["keys: { name: k, secret: hunter2 }", "`keys`: expected a list, but it is a mapping"],
    ["dns: { identity: [hunter2] }", "but it is a list"],
    ["zones: [{ origin: a, notify: { a: hunter2 } }]", "`zones[0].notify`: expected a list"],
    ["log: { level: { a: hunter2 } }", "but it is a mapping"],
    [
      "users: [{ name: u, token: 20202, grants: [] }]",
      "`users[0].token`: expected string, but it is something else",
    ],
    ["dns: { cookieSecret: hunter2 }", "but it is something else"],
    ["http: { ttl: many }", 'but it is "many"'],
    ["zones: [{}]", "`zones[0].origin` is missing"],
  ])("without what may be a secret: %s", (content, message) => {
    expect(fromFile(content).load).toThrow(message);
    expect(fromFile(content).load).not.toThrow(/hunter2|20202/);
  });

  test("a text of 128 octets is not too long", () => {
    expect(fromFile(`dns: { identity: ${"ü".repeat(64)} }`).load().dns.identity).toHaveLength(64);
  });

  test("a variable of the environment by its name", () => {
    const environment = { WINDHOVER_HTTP__TTL: "-1" };
    expect(fromFile("http: { ttl: 5 }", environment).load).toThrow(
      "WINDHOVER_HTTP__TTL: `http.ttl`",
    );
  });

  test.each(["", "# nothing\n", "{}"])(
    "a file that says nothing, when it is read again: %j",
    (content) => {
      const { directory } = fromFile(content);
      const source = { file: join(directory, "windhover.yaml"), environment: {}, directory };
      expect(loadConfig(source).zones).toEqual([]);
      expect(() => loadConfig({ ...source, isReload: true })).toThrow("is empty");
      expect(loadConfig({ ...source, file: undefined, isReload: true }).zones).toEqual([]);
    },
  );

  test("a missing file says so", () => {
    const missing = { file: "/nowhere/windhover.yaml", environment: {}, directory: "/" };
    expect(() => loadConfig(missing)).toThrow("/nowhere/windhover.yaml: cannot be read");
  });
});

describe("environment twins", () => {
  test("win over the file", () => {
    const { load } = fromFile("http: { listen: '127.0.0.1:1' }", {
      WINDHOVER_HTTP__LISTEN: "127.0.0.1:2",
    });
    expect(load().http.listen?.port).toBe(2);
  });

  test("reach lists by commas, YAML and positions, and keys of several words", () => {
    const config = fromEnvironment({
      WINDHOVER_DNS__LISTEN: "127.0.0.1:53, [::1]:53",
      WINDHOVER_ZONES__0__ORIGIN: "dyn.example.com",
      WINDHOVER_HTTP__TRUSTED_PROXIES: '["10.0.0.0/8"]',
      WINDHOVER_LOG__LEVEL: "debug",
    });
    expect(config.dns.listen.map((each) => each.address)).toEqual(["127.0.0.1", "::1"]);
    expect(config.zones).toHaveLength(1);
    expect(config.http.trustedProxies).toEqual(["10.0.0.0/8"]);
    expect(config.logLevel).toBe("debug");
  });

  test("a lone value is a list of one where a list is meant", () => {
    const config = fromEnvironment({ WINDHOVER_DNS__LISTEN: "127.0.0.1:53" });
    expect(config.dns.listen).toEqual([{ address: "127.0.0.1", port: 53 }]);
  });

  test("choose the datagram port and its workers", () => {
    const { dns } = fromEnvironment({ WINDHOVER_DNS__PORT: "dgram", WINDHOVER_DNS__WORKERS: "63" });
    expect([dns.port, dns.workers]).toEqual(["dgram", 63]);
    const defaults = fromEnvironment({}).dns;
    expect([defaults.port, defaults.workers]).toEqual(["auto", 0]);
  });

  test("a mistyped one is named too", () => {
    expect(() => fromEnvironment({ WINDHOVER_STOR: "x" })).toThrow("did you mean `store`?");
  });
});
