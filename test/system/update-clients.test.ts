/** Routers' clients with the configurations a user would write: ddclient, inadyn, curl, wget. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { run, skipWithout } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

let server: Windhover;
const directory = mkdtempSync(join(tmpdir(), "windhover-clients-"));

beforeAll(async () => {
  server = await Windhover.start(EXAMPLE);
});
afterAll(async () => {
  await server?.stop();
});

function write(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

const HOME = `home.${ORIGIN}`;
const NAS = `nas.${ORIGIN}`;

describe.skipIf(skipWithout("ddclient"))("ddclient", () => {
  function ddclient(name: string, lines: readonly string[]) {
    const file = write(`${name}.conf`, [...lines, ""].join("\n"));
    const cache = join(directory, `${name}.cache`);
    const options = ["-daemon=0", "-noquiet", "-verbose", "-file", file, "-cache", cache];
    const done = run("ddclient", options, { timeoutMs: 60_000 });
    return { ...done, output: done.stdout + done.stderr };
  }

  const dyndns2 = (...rest: string[]) => [
    "ssl=no",
    "protocol=dyndns2",
    `server=127.0.0.1:${server.httpPort}`,
    "login=alice",
    "password='alices-secret'",
    ...rest,
  ];

  test("sets two hosts with one request, and is told of each", () => {
    const { output } = ddclient("two", ["use=ip, ip=192.0.2.61", ...dyndns2(`${HOME},${NAS}`)]);
    expect(output).toMatch(
      /SUCCESS:.*updating home\.dyn\.example\.com: good: IP address set to 192\.0\.2\.61/,
    );
    expect(output).toMatch(
      /SUCCESS:.*updating nas\.dyn\.example\.com: good: IP address set to 192\.0\.2\.61/,
    );
    expect(server.dig(HOME, "A")).toEqual(["192.0.2.61"]);
    expect(server.dig(NAS, "A")).toEqual(["192.0.2.61"]);
  });

  test("finds its own address at /checkip and sets it", () => {
    const { output } = ddclient("web", [
      `use=web, web=http://127.0.0.1:${server.httpPort}/checkip`,
      ...dyndns2(HOME),
    ]);
    expect(output).toMatch(/SUCCESS:.*127\.0\.0\.1/);
    expect(server.dig(HOME, "A")).toEqual(["127.0.0.1"]);
  });

  test("a host without grant fails by itself, the other is set", () => {
    const { output } = ddclient("mixed", [
      "use=ip, ip=192.0.2.62",
      ...dyndns2(`${HOME},stranger.${ORIGIN}`),
    ]);
    expect(output).toMatch(/SUCCESS:.*updating home/);
    expect(output).toMatch(/FAILED:.*stranger.*nohost/);
    expect(server.dig(HOME, "A")).toEqual(["192.0.2.62"]);
  });

  test("a wrong password is told so", () => {
    const { output } = ddclient("wrong", [
      "ssl=no",
      "protocol=dyndns2",
      "use=ip, ip=192.0.2.63",
      `server=127.0.0.1:${server.httpPort}`,
      "login=alice",
      "password=wrong",
      HOME,
    ]);
    expect(output).toMatch(/FAILED:.*(badauth|authorization failed)/i);
    expect(server.dig(HOME, "A")).not.toEqual(["192.0.2.63"]);
  });

  test.skipIf(skipWithout("nsupdate"))("protocol nsupdate, with a key file", () => {
    const key = write(
      "router.key",
      `key "router" { algorithm hmac-sha256; secret "${SECRET}"; };\n`,
    );
    const { output } = ddclient("rfc2136", [
      "use=ip, ip=192.0.2.64",
      "protocol=nsupdate",
      `server="127.0.0.1 ${server.dnsPort}"`,
      `zone=${ORIGIN}`,
      "ttl=60",
      "login=/usr/bin/nsupdate",
      `password=${key}`,
      HOME,
    ]);
    expect(output).toMatch(/SUCCESS:.*192\.0\.2\.64/);
    expect(server.dig(HOME, "A")).toEqual(["192.0.2.64"]);
  });
});

describe.skipIf(skipWithout("inadyn"))("inadyn", () => {
  function inadyn(name: string, settings: readonly string[]) {
    const content = [
      "period = 300",
      "allow-ipv6 = true",
      "custom windhover {",
      "    ssl = false",
      "    username = alice",
      ...settings.map((line) => `    ${line}`),
      `    ddns-server = "127.0.0.1:${server.httpPort}"`,
      '    ddns-path = "/nic/update?hostname=%h&myip=%i"',
      '    ddns-response = { "good", "nochg" }',
      "}",
      "",
    ].join("\n");
    const file = write(`${name}.conf`, content);
    const args = ["-1", "-n", "-l", "debug", "--force", "-f", file];
    args.push(
      "--cache-dir",
      mkdtempSync(join(directory, "inadyn-")),
      "-P",
      join(directory, "inadyn.pid"),
    );
    const done = run("inadyn", args, { timeoutMs: 60_000 });
    return { ...done, output: done.stdout + done.stderr };
  }

  test("finds its own address at /checkip and sets two hosts", () => {
    const { status, output } = inadyn("checkip", [
      "password = alices-secret",
      `checkip-server = "127.0.0.1:${server.httpPort}"`,
      "checkip-path = /checkip",
      "checkip-ssl = false",
      `hostname = { "${HOME}", "${NAS}" }`,
    ]);
    expect(output).toMatch(/(good|nochg) 127\.0\.0\.1/);
    expect(status).toBe(0);
    expect(server.dig(NAS, "A")).toEqual(["127.0.0.1"]);
  });

  test("sets an IPv6 address from a command and leaves the IPv4 address alone", () => {
    const { status } = inadyn("ipv6", [
      "password = alices-secret",
      'checkip-command = "echo 2001:db8::61"',
      `hostname = "${NAS}"`,
    ]);
    expect(status).toBe(0);
    expect(server.dig(NAS, "AAAA")).toEqual(["2001:db8::61"]);
    expect(server.dig(NAS, "A")).toEqual(["127.0.0.1"]);
  });

  test("ends with its authentication error on a wrong password", () => {
    const { status } = inadyn("wrong", [
      "password = wrong",
      'checkip-command = "echo 192.0.2.65"',
      `hostname = "${HOME}"`,
    ]);
    expect(status).not.toBe(0);
    expect(server.dig(HOME, "A")).not.toEqual(["192.0.2.65"]);
  });
});

describe.skipIf(skipWithout("curl", "wget"))("curl and wget", () => {
  const curl = (...args: string[]) => run("curl", ["-sS", ...args]).stdout;

  test("the caller's own address when none is given", () => {
    const out = curl("-u", "alice:alices-secret", server.url(`/nic/update?hostname=${HOME}`));
    expect(out).toMatch(/^(good|nochg) 127\.0\.0\.1$/m);
  });

  test("several hosts, both families, one line each", () => {
    const hosts = `a.alice.${ORIGIN},b.alice.${ORIGIN}`;
    const url = server.url(`/nic/update?hostname=${hosts}&myip=192.0.2.70,2001:db8::70`);
    const expected = "192.0.2.70,2001:db8::70";
    expect(curl("-u", "alice:alices-secret", url).trim().split("\n")).toEqual([
      `good ${expected}`,
      `good ${expected}`,
    ]);
    expect(curl("-u", "alice:alices-secret", url).trim().split("\n")).toEqual([
      `nochg ${expected}`,
      `nochg ${expected}`,
    ]);
    expect(server.dig(`b.alice.${ORIGIN}`, "AAAA")).toEqual(["2001:db8::70"]);
  });

  test("GET /update and a form by POST", () => {
    const update = server.url(`/update?hostname=${HOME}&myip=192.0.2.71`);
    expect(curl("-u", "alice:alices-secret", update)).toContain("good 192.0.2.71");
    const form = ["-d", `hostname=${HOME}`, "-d", "myip=192.0.2.72"];
    const out = curl("-u", "alice:alices-secret", ...form, server.url("/nic/update"));
    expect(out).toContain("good 192.0.2.72");
    expect(server.dig(HOME, "A")).toEqual(["192.0.2.72"]);
  });

  test("a machine token made by the command line drives /ddns/update and /report", () => {
    const made = server.cli("token", "add", "--label", "node", "--host", NAS);
    expect(made.stderr).toBe("");
    const secret = made.stdout.split("\n")[0] as string;
    const bearer = ["-H", `Authorization: Bearer ${secret}`];
    const form = ["-d", `domain=${NAS}`, "-d", "ip=192.0.2.73"];
    expect(JSON.parse(curl(...bearer, ...form, server.url("/ddns/update")))).toMatchObject({
      status: "good",
    });
    expect(server.dig(NAS, "A")).toEqual(["192.0.2.73"]);
    const report = JSON.stringify({
      node_id: "nas",
      public_ip: "192.0.2.74",
      timestamp: new Date().toISOString(),
    });
    const json = ["-H", "Content-Type: application/json", "-d", report];
    const answer = JSON.parse(curl(...bearer, ...json, server.url("/report"))) as object;
    expect(answer).toMatchObject({ status: "good" });
    expect(server.dig(NAS, "A")).toEqual(["192.0.2.74"]);
  });

  test("wget sends its credentials after the challenge", () => {
    const url = server
      .url(`/nic/update?hostname=${HOME}&myip=192.0.2.75`)
      .replace("http://", "http://alice:alices-secret@");
    expect(run("wget", ["-qO-", url]).stdout).toContain("good 192.0.2.75");
  });

  test("checkip, plain and as old routers parse it", () => {
    expect(curl(server.url("/checkip"))).toBe("127.0.0.1\n");
    expect(curl(server.url("/checkip.html"))).toContain("Current IP Address: 127.0.0.1");
  });

  test("every change is in the zone's history with who, door and address", () => {
    curl("-u", "alice:alices-secret", server.url(`/nic/update?hostname=${HOME}&myip=192.0.2.76`));
    const { stdout } = server.cli("zone", "history", ORIGIN, "--limit", "1");
    expect(stdout).toContain("user:alice by dyndns2 from 127.0.0.1");
    expect(stdout).toMatch(/\+ home\.dyn\.example\.com\.\s.*192\.0\.2\.76/);
  });
});
