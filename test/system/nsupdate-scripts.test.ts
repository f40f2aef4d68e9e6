/**
 * Scripts around nsupdate, with the very lines that they feed it: OpenWrt, pfSense and OPNsense, acme.sh, a dhclient
 * hook, ISC dhcpd's two styles. Few of them name the zone, some name no algorithm, some look at nothing but the exit status.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ALGORITHMS, EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { run, skipWithout } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

const directory = mkdtempSync(join(tmpdir(), "windhover-scripts-"));
let server: Windhover;

beforeAll(async () => {
  server = await Windhover.start(EXAMPLE);
});
afterAll(async () => {
  await server?.stop();
});

let files = 0;
function write(lines: readonly string[]): string {
  const path = join(directory, `script-${files++}`);
  writeFileSync(path, [...lines, ""].join("\n"), { mode: 0o600 });
  return path;
}

const keyFile = (algorithm: string) =>
  write([
    `key "${algorithm.replace("hmac-", "key-")}" {`,
    `        algorithm ${algorithm};`,
    `        secret "${SECRET}";`,
    "};",
  ]);

const statusOf = (owner: string, rrtype: string) =>
  /status: (\w+)/.exec(server.digFull(owner, rrtype).stdout)?.[1];

describe.skipIf(skipWithout("nsupdate", "dig"))("scripts around nsupdate", () => {
  const serverLine = () => `server 127.0.0.1 ${server.dnsPort}`;

  describe("OpenWrt's ddns-scripts with bind-nsupdate", () => {
    const host = `openwrt.${ORIGIN}`;

    function openWrt(rrtype: string, address: string, key: string, ...options: string[]) {
      const commands = [
        serverLine(),
        `key ${key} ${SECRET}`,
        `update del ${host} ${rrtype}`,
        `update add ${host} 600 ${rrtype} ${address}`,
        ...["show", "send", "answer", "quit"],
      ];
      return run("nsupdate", ["-d", ...options, write(commands)]);
    }

    test("a key without algorithm is hmac-md5; the zone is found; the answer is shown", () => {
      const done = openWrt("A", "192.0.2.31", "key-md5");
      expect(done.status).toBe(0);
      expect(done.stdout + done.stderr).toMatch(/status: NOERROR/);
      expect(done.stdout + done.stderr).toContain("hmac-md5.sig-alg.reg.int.");
      expect(server.dig(host, "A")).toEqual(["192.0.2.31"]);
      expect(server.digFull("+noall", "+answer", host, "A").stdout).toMatch(/\s600\s+IN\s+A\s/);
    });

    test("IPv6 beside it, by TCP, with an algorithm in the user name's place", () => {
      expect(openWrt("AAAA", "2001:db8::31", "hmac-sha256:key-sha256", "-v").status).toBe(0);
      expect(server.dig(host, "AAAA")).toEqual(["2001:db8::31"]);
      expect(server.dig(host, "A")).toEqual(["192.0.2.31"]);
    });

    test("the next address replaces it", () => {
      expect(openWrt("A", "192.0.2.32", "key-md5").status).toBe(0);
      expect(server.dig(host, "A")).toEqual(["192.0.2.32"]);
    });

    test("md5 with a key that is not for md5 changes nothing", () => {
      const done = openWrt("A", "192.0.2.33", "key-sha256");
      expect(done.stdout + done.stderr).toContain("BADKEY");
      expect(server.dig(host, "A")).toEqual(["192.0.2.32"]);
    });
  });

  describe("pfSense's and OPNsense's RFC 2136 client", () => {
    test.each(ALGORITHMS)("server only, both families, key file with %s", (algorithm) => {
      const host = `sense-${algorithm}.${ORIGIN}`;
      const commands = [
        serverLine(),
        `update delete ${host}. A`,
        `update add ${host}. 60 A 192.0.2.34`,
        `update delete ${host}. AAAA`,
        `update add ${host}. 60 AAAA 2001:db8::34`,
        "send",
      ];
      for (const transport of [[], ["-v"]]) {
        const done = run("nsupdate", ["-k", keyFile(algorithm), ...transport, write(commands)]);
        expect(done).toMatchObject({ status: 0, stderr: "" });
      }
      expect(server.dig(host, "A")).toEqual(["192.0.2.34"]);
      expect(server.dig(host, "AAAA")).toEqual(["2001:db8::34"]);
    });

    test("several hosts, a send for each, one of them refused: the others are set", () => {
      const add = (record: string) => [`update add ${record}`, "send"];
      const commands = [
        serverLine(),
        ...add(`home.${ORIGIN} 60 A 192.0.2.35`),
        ...add(`stranger.${ORIGIN} 60 A 192.0.2.35`),
        ...add(`home.${ORIGIN} 60 AAAA 2001:db8::35`),
      ];
      const key = write([`key "router" { algorithm hmac-sha256; secret "${SECRET}"; };`]);
      const done = run("nsupdate", ["-k", key, write(commands)]);
      expect(done.stderr).toContain("update failed: REFUSED");
      expect(server.dig(`home.${ORIGIN}`, "A").sort()).toEqual(["192.0.2.1", "192.0.2.35"]);
      expect(server.dig(`home.${ORIGIN}`, "AAAA")).toEqual(["2001:db8::35"]);
      expect(statusOf(`stranger.${ORIGIN}`, "A")).toBe("NXDOMAIN");
    });
  });

  describe("acme.sh's dns_nsupdate", () => {
    const challenge = `_acme-challenge.sh.${ORIGIN}`;
    const sh = (...commands: string[]) =>
      run("nsupdate", ["-k", keyFile("hmac-sha512")], {
        input: [serverLine(), ...commands, "send", ""].join("\n"),
      });
    const add = (value: string) => sh(`update add ${challenge}. 60 in txt "${value}"`);
    const remove = () => sh(`update delete ${challenge}. txt`);

    test("two values at one name; the first removal takes both, the second finds nothing to do", () => {
      expect(add("XKrxpRBosdIKFzxW_CT3KLZNf6q0HG9i01zxXp5CPBs").status).toBe(0);
      expect(add("aXVuY2hhbmdlZA_second-value-of-the-wildcard").status).toBe(0);
      expect(server.dig(challenge, "TXT").sort()).toEqual([
        '"XKrxpRBosdIKFzxW_CT3KLZNf6q0HG9i01zxXp5CPBs"',
        '"aXVuY2hhbmdlZA_second-value-of-the-wildcard"',
      ]);
      expect(remove()).toMatchObject({ status: 0, stderr: "" });
      expect(statusOf(challenge, "TXT")).toBe("NXDOMAIN");
      expect(remove()).toMatchObject({ status: 0, stderr: "" });
    });

    test("the same value twice stays one", () => {
      add("once");
      add("once");
      expect(server.dig(challenge, "TXT")).toEqual(['"once"']);
      remove();
    });
  });

  test("a dhclient hook without a key is refused, and its exit status says so", () => {
    const host = `hook.${ORIGIN}`;
    const commands = [`update delete ${host} a`, `update add ${host} 3600 a 192.0.2.36`, "send"];
    const done = run("nsupdate", [write([serverLine(), ...commands])]);
    expect(done.status).toBe(2);
    expect(done.stderr).toContain("update failed: REFUSED");
    expect(statusOf(host, "A")).toBe("NXDOMAIN");
  });

  describe.each([
    ["standard", "DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="],
    ["interim", "TXT", '"0031a2b3c4d5e6f7081929304152637485"'],
  ])("ISC dhcpd's updates, %s style", (style, rrtype, mark) => {
    const host = `dhcpd-${style}.${ORIGIN}`;
    const dhcpd = (...lines: string[]) =>
      run("nsupdate", ["-k", keyFile("hmac-md5")], {
        input: [serverLine(), `zone ${ORIGIN}`, ...lines, "send", ""].join("\n"),
      }).stderr;
    const takeNew = (address: string) =>
      dhcpd(
        `prereq nxdomain ${host}`,
        `update add ${host} 300 A ${address}`,
        `update add ${host} 300 ${rrtype} ${mark}`,
      );
    const takeOwn = (address: string, owned = mark) =>
      dhcpd(
        `prereq yxdomain ${host}`,
        `prereq yxrrset ${host} ${rrtype} ${owned}`,
        `update delete ${host} A`,
        `update add ${host} 300 A ${address}`,
      );

    test("a new name, then the same client, then a stranger, then the end of the lease", () => {
      expect(takeNew("192.0.2.37")).toBe("");
      expect(takeNew("192.0.2.38")).toContain("YXDOMAIN");
      expect(takeOwn("192.0.2.38")).toBe("");
      expect(server.dig(host, "A")).toEqual(["192.0.2.38"]);
      const foreign = rrtype === "TXT" ? '"00ffffffffffffffffffffffffffffffff"' : "AAIBAAAA";
      expect(takeOwn("192.0.2.39", foreign)).toContain("NXRRSET");
      expect(server.dig(host, "A")).toEqual(["192.0.2.38"]);
      const owned = `prereq yxrrset ${host} ${rrtype} ${mark}`;
      const noAddress = [`prereq nxrrset ${host} A`, `prereq nxrrset ${host} AAAA`];
      const lastStep = () => dhcpd(owned, ...noAddress, `update delete ${host} ${rrtype}`);
      expect(lastStep()).toContain("YXRRSET");
      expect(dhcpd(owned, `update delete ${host} A 192.0.2.38`)).toBe("");
      expect(lastStep()).toBe("");
      expect(statusOf(host, rrtype)).toBe("NXDOMAIN");
    });
  });
});
