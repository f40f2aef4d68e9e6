/** What dig and kdig see: answers, negative answers, truncation, TCP, EDNS, IPv6, names that are not ours. */
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { freePort } from "./harness/ports.ts";
import { run, skipWithout } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

let server: Windhover;

beforeAll(async () => {
  server = await Windhover.start(EXAMPLE);
});
afterAll(async () => {
  await server?.stop();
});

describe.skipIf(skipWithout("dig"))("dig", () => {
  test("an address, authoritatively, in the case it was asked for", () => {
    const { stdout } = server.digFull(`HoMe.${ORIGIN}`, "A", "+norec");
    expect(stdout).toContain("status: NOERROR");
    expect(stdout).toMatch(/flags: qr aa;/);
    expect(stdout).toMatch(/HoMe\.dyn\.example\.com\.\s+60\s+IN\s+A\s+192\.0\.2\.1/);
  });

  test("a CNAME is followed", () => {
    expect(server.dig(`www.${ORIGIN}`, "A")).toEqual([`home.${ORIGIN}.`, "192.0.2.1"]);
  });

  test("a wildcard synthesises", () => {
    expect(server.dig(`a.b.wild.${ORIGIN}`, "TXT")).toEqual(['"any name"']);
  });

  test.each([
    ["NXDOMAIN", `nothing.${ORIGIN}`, "A", "NXDOMAIN"],
    ["NODATA", `home.${ORIGIN}`, "AAAA", "NOERROR"],
    ["an empty non-terminal", `wild.${ORIGIN}`, "A", "NOERROR"],
  ])("%s carries the SOA with the negative TTL", (_, name, type, status) => {
    const { stdout } = server.digFull(name, type);
    expect(stdout).toContain(`status: ${status}`);
    expect(stdout).toMatch(/AUTHORITY: 1,/);
    expect(stdout).toMatch(/dyn\.example\.com\.\s+60\s+IN\s+SOA/);
  });

  test("outside our zones is REFUSED, with the reason", () => {
    const { stdout } = server.digFull("www.example.org", "A");
    expect(stdout).toContain("status: REFUSED");
    expect(stdout).toMatch(/EDE: 20/);
  });

  test("over TCP, several queries on one connection", () => {
    const { stdout } = server.digFull(
      "+tcp",
      "+keepopen",
      `home.${ORIGIN}`,
      "A",
      `www.${ORIGIN}`,
      "A",
    );
    expect(stdout.match(/status: NOERROR/g)).toHaveLength(2);
  });

  test("EDNS version 1 is BADVERS", () => {
    const { stdout } = server.digFull("+edns=1", "+noednsneg", `home.${ORIGIN}`, "A");
    expect(stdout).toContain("status: BADVERS");
  });

  test("ANY is minimal over UDP", () => {
    expect(server.digFull("+notcp", ORIGIN, "ANY").stdout).toMatch(/ANSWER: 1,/);
  });

  test("a signed query gets a signed answer, a wrong key NOTAUTH", () => {
    const good = server.digFull("-y", `hmac-sha512:key-sha512:${SECRET}`, `home.${ORIGIN}`, "A");
    expect(good.stdout).toContain("status: NOERROR");
    expect(good.stdout).toMatch(/TSIG\s+hmac-sha512/);
    expect(good.stdout + good.stderr).not.toMatch(/verify failure|couldn't verify/i);
    const bad = server.digFull("-y", "hmac-sha256:key-sha256:d3Jvbmc=", `home.${ORIGIN}`, "A");
    expect(bad.stdout).toContain("status: NOTAUTH");
  });
});

describe.skipIf(skipWithout("dig"))("IPv6", () => {
  const hasIpv6 = networkInterfaces().lo?.some(({ address }) => address === "::1") ?? false;

  test.skipIf(!hasIpv6)("answers and takes updates on ::1 over UDP and TCP", async () => {
    const port = await freePort("::1");
    const dual = await Windhover.start({
      ...EXAMPLE,
      config: { ...EXAMPLE.config, dns: { listen: [`[::1]:${port}`, `127.0.0.1:${port}`] } },
    });
    for (const at of ["@::1", "@127.0.0.1"]) {
      for (const transport of ["+notcp", "+tcp"]) {
        const args = [at, "-p", String(port), transport, "+short", `home.${ORIGIN}`, "A"];
        expect(run("dig", args).stdout).toBe("192.0.2.1\n");
      }
    }
    const lines = [`server ::1 ${port}`, `zone ${ORIGIN}`, `update add v6.${ORIGIN} 60 AAAA ::6`];
    const key = `hmac-sha256:key-sha256:${SECRET}`;
    expect(run("nsupdate", ["-y", key], { input: [...lines, "send", ""].join("\n") }).status).toBe(
      0,
    );
    const history = dual.cli("zone", "history", ORIGIN, "--limit", "1").stdout;
    expect(history).toContain("key:key-sha256 by rfc2136 from ::1");
    await dual.stop();
  });
});

describe.skipIf(skipWithout("kdig"))("kdig", () => {
  const kdig = (...args: string[]) =>
    run("kdig", ["@127.0.0.1", "-p", String(server.dnsPort), ...args]).stdout;

  test("with cookie, padding and client subnet in one query", () => {
    const out = kdig("+cookie", "+subnet=192.0.2.0/24", "+padding=128", `home.${ORIGIN}`, "A");
    expect(out).toContain("status: NOERROR");
    expect(out).toContain("192.0.2.1");
  });

  test("over TCP with TSIG", () => {
    const out = kdig("+tcp", "-y", `hmac-sha384:key-sha384:${SECRET}`, `home.${ORIGIN}`, "A");
    expect(out).toContain("status: NOERROR");
    expect(out).not.toContain("WARNING");
  });
});
