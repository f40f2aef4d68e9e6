/** EDNS as dig and kdig speak it: cookies, keepalive, NSID, extended errors, sizes, options nobody knows; rate limiting. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { skipWithout, until } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

const SECRET_HEX = "e5e973e5a6b2a43f48e7dc849e37bfcf";
const HOME = `home.${ORIGIN}`;

function startWith(dns: Record<string, unknown>): Promise<Windhover> {
  return Windhover.start({ ...EXAMPLE, dns });
}

describe.skipIf(skipWithout("dig"))("dig", () => {
  let server: Windhover;
  beforeAll(async () => {
    server = await startWith({ identity: "ns1.example", cookieSecret: SECRET_HEX });
  });
  afterAll(async () => {
    await server?.stop();
  });
  const dig = (...args: string[]) =>
    server.digFull("+noall", "+comments", "+answer", ...args).stdout;
  const cookieOf = (out: string) => /COOKIE: ([0-9a-f]+)/.exec(out)?.[1] ?? "";

  test.each(["+notcp", "+tcp"])("a cookie is learned and comes back good %s", (transport) => {
    const first = dig(transport, HOME, "A", "+cookie=0102030405060708");
    expect(first).toContain("status: NOERROR");
    expect(first).toMatch(/COOKIE: 0102030405060708010000[0-9a-f]{26} \(good\)/);
    const cookie = cookieOf(first);
    expect(cookie).toHaveLength(48);
    const again = dig(transport, HOME, "A", `+cookie=${cookie}`);
    expect(cookieOf(again)).toBe(cookie);
  });

  test("a wrong cookie is answered with a good one; one too short is FORMERR", () => {
    const wrong = dig(HOME, "A", `+cookie=0102030405060708${"01".repeat(16)}`);
    expect(wrong).toContain("status: NOERROR");
    expect(wrong).toContain("192.0.2.1");
    expect(cookieOf(wrong)).toMatch(/^0102030405060708010000/);
    const short = dig(HOME, "A", "+nocookie", "+ednsopt=10:01020304");
    expect(short).toContain("status: FORMERR");
  });

  test("a query for a cookie alone", () => {
    const { stdout } = server.digFull("+header-only", "+cookie=0102030405060708");
    expect(stdout).toContain("status: NOERROR");
    expect(stdout).toMatch(/QUERY: 0, ANSWER: 0/);
    expect(cookieOf(stdout)).toHaveLength(48);
  });

  test("keepalive over TCP, in units of 100 ms", () => {
    expect(dig("+tcp", "+keepalive", HOME, "A")).toMatch(/TCP[- ]KEEPALIVE: 10\.0 secs/);
    expect(dig("+notcp", "+keepalive", HOME, "A")).not.toMatch(/KEEPALIVE/);
    expect(dig("+tcp", "+ednsopt=11:0064", HOME, "A")).toContain("status: FORMERR");
  });

  test("NSID, DO, sizes and padding that means nothing here", () => {
    expect(dig("+nsid", HOME, "A")).toContain('("ns1.example")');
    expect(dig("+dnssec", HOME, "A")).toMatch(/flags: do; udp: 1232/);
    expect(dig("+bufsize=4096", HOME, "A")).toMatch(/udp: 1232/);
    expect(dig("+padding=128", HOME, "A")).not.toMatch(/PAD/);
  });

  test("options and flags that nobody knows, and a version", () => {
    for (const option of [
      "+ednsopt=65001:01",
      "+ednsopt=100",
      "+ednsflags=0x40",
      "+subnet=192.0.2.0/24",
    ]) {
      const out = dig("+qr", option, HOME, "A");
      expect(out.match(/status: NOERROR/g)).toHaveLength(2);
      expect(out).toContain("192.0.2.1");
    }
    expect(dig("+edns=2", "+noednsnegotiation", HOME, "A")).toContain("status: BADVERS");
    expect(dig("+noedns", HOME, "A")).not.toContain("OPT PSEUDOSECTION");
  });

  test.each([
    ["a zone that is not ours", ["www.elsewhere.example", "A"], "REFUSED", "20"],
    ["a class that is not served", [HOME, "A", "-c", "HS"], "REFUSED", "21"],
    ["a type that is not implemented", [ORIGIN, "TKEY"], "NOTIMP", "21"],
    ["a NOTIFY", [ORIGIN, "SOA", "+opcode=notify"], "NOTAUTH", "20"],
    ["an update of nobody", [ORIGIN, "SOA", "+opcode=update"], "REFUSED", "18"],
  ])("%s is refused with the reason", (_, args, status, code) => {
    const { stdout } = server.digFull(...args);
    expect(stdout).toContain(`status: ${status}`);
    expect(stdout).toMatch(new RegExp(`EDE: ${code} `));
    expect(cookieOf(stdout)).toHaveLength(48);
  });

  test("a signed query has cookie and TSIG", () => {
    const out = server.digFull("-y", `hmac-sha256:key-sha256:${SECRET}`, HOME, "A").stdout;
    expect(out).toMatch(/\(good\)/);
    expect(out).toMatch(/TSIG\s+hmac-sha256/);
    expect(out).not.toMatch(/verify failure|couldn't verify/i);
  });

  test("servers with one secret take each other's cookies", async () => {
    const other = await startWith({ cookieSecret: SECRET_HEX.toUpperCase() });
    try {
      const cookie = cookieOf(dig(HOME, "A", "+cookie=0102030405060708"));
      const out = other.digFull(HOME, "A", `+cookie=${cookie}`).stdout;
      expect(cookieOf(out)).toBe(cookie);
    } finally {
      await other.stop();
    }
  });
});

describe.skipIf(skipWithout("dig", "kdig"))("response rate limiting", () => {
  let server: Windhover;
  beforeAll(async () => {
    server = await startWith({ rateLimit: { perSecond: 5, slip: 1 } });
  });
  afterAll(async () => {
    await server?.stop();
  });
  const flood = (...options: string[]) => {
    const many = Array.from({ length: 60 }, () => [HOME, "A"]).flat();
    return server.digFull("+ignore", "+retry=0", ...options, ...many).stdout;
  };

  test("a flood gets its share and then TC, which TCP answers", () => {
    const out = flood("+nocookie");
    const truncated = out.match(/flags: qr( aa)? tc/g)?.length ?? 0;
    expect(truncated).toBeGreaterThan(20);
    expect(out.match(/status: NOERROR/g)).toHaveLength(60);
    expect(server.dig("+tcp", "+nocookie", HOME, "A")).toEqual(["192.0.2.1"]);
    expect(server.dig("+nocookie", HOME, "A")).toEqual(["192.0.2.1"]);
  });

  test("a client with a cookie is answered all the same", () => {
    const cookie = /COOKIE: ([0-9a-f]{48})/.exec(server.digFull("+tcp", HOME, "A").stdout)?.[1];
    const out = flood(`+cookie=${cookie}`);
    expect(out.match(/\s192\.0\.2\.1$/gm)).toHaveLength(60);
    expect(out).not.toMatch(/flags: qr( aa)? tc/);
  });

  test("a client with a client cookie alone is told by BADCOOKIE, and dig then gets its answer", () => {
    flood("+nocookie");
    const once = server.digFull("+nobadcookie", "+cookie=0102030405060708", HOME, "A").stdout;
    const follow = server.digFull("+badcookie", "+cookie=0102030405060708", HOME, "A").stdout;
    expect(once).toMatch(/status: (BADCOOKIE|NOERROR)/);
    expect(follow).toContain("status: NOERROR");
    expect(follow).toContain("192.0.2.1");
    const many = flood("+nobadcookie", "+cookie=0102030405060708");
    expect(many.match(/status: BADCOOKIE/g)?.length ?? 0).toBeGreaterThan(20);
  });

  test("a signed client is answered all the same", () => {
    const out = flood("+nocookie", "-y", `hmac-sha256:key-sha256:${SECRET}`);
    expect(out.match(/\s192\.0\.2\.1$/gm)).toHaveLength(60);
  });

  test("the log says so once, the metrics how often", async () => {
    await until("the log line", () => server.output.includes("responses are rate limited"));
    expect(server.output.match(/responses are rate limited/g)).toHaveLength(1);
    const metrics = await (await fetch(server.url("/metrics"))).text();
    const slipped = /windhover_dns_rate_limited_responses_total\{action="slipped"\} (\d+)/.exec(
      metrics,
    );
    expect(Number(slipped?.[1])).toBeGreaterThan(20);
  });

  test("exempt clients have no limit", async () => {
    const other = await startWith({
      rateLimit: { perSecond: 1, slip: 1, exempt: ["127.0.0.0/8"] },
    });
    try {
      const many = Array.from({ length: 40 }, () => [HOME, "A"]).flat();
      const out = other.digFull("+nocookie", "+ignore", ...many).stdout;
      expect(out.match(/\s192\.0\.2\.1$/gm)).toHaveLength(40);
    } finally {
      await other.stop();
    }
  });
});
