/** RFC 2136 as nsupdate and knsupdate speak it: UDP and TCP, good and bad keys, prerequisites, finding the zone. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ALGORITHMS, EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { run, skipWithout } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

let server: Windhover;

beforeAll(async () => {
  server = await Windhover.start(EXAMPLE);
});
afterAll(async () => {
  await server?.stop();
});

const key = (name: string, algorithm = "hmac-sha256") => `${algorithm}:${name}:${SECRET}`;
const WHOLE_ZONE = key("key-sha256");

/** A fresh owner for each case, so that no case leans on another. */
let counter = 0;
const freshName = () => `host${counter++}.${ORIGIN}`;

describe.skipIf(skipWithout("nsupdate", "dig"))("nsupdate", () => {
  test.each(ALGORITHMS)("signs with %s over UDP", (algorithm) => {
    const owner = freshName();
    const name = algorithm.replace("hmac-", "key-");
    const done = server.nsupdate(
      [`zone ${ORIGIN}`, `update add ${owner} 60 A 192.0.2.10`],
      "-y",
      key(name, algorithm),
    );
    expect(done).toMatchObject({ status: 0, stderr: "" });
    expect(server.dig(owner, "A")).toEqual(["192.0.2.10"]);
  });

  test("over TCP", () => {
    const owner = freshName();
    const lines = [`zone ${ORIGIN}`, `update add ${owner} 60 AAAA 2001:db8::1`];
    expect(server.nsupdate(lines, "-v", "-y", WHOLE_ZONE).status).toBe(0);
    expect(server.dig(owner, "AAAA")).toEqual(["2001:db8::1"]);
  });

  test("without a zone line finds zone and primary by signed SOA queries", () => {
    const owner = `deep.${freshName()}`;
    const done = server.nsupdate([`update add ${owner} 60 A 192.0.2.11`], "-y", WHOLE_ZONE);
    expect(done).toMatchObject({ status: 0, stderr: "" });
    expect(server.dig(owner, "A")).toEqual(["192.0.2.11"]);
  });

  test("a message too large for UDP goes over TCP and changes all of it", () => {
    const owner = freshName();
    const adds = Array.from(
      { length: 60 },
      (_, at) => `update add ${owner} 60 A 192.0.2.${at + 1}`,
    );
    expect(server.nsupdate([`zone ${ORIGIN}`, ...adds], "-y", WHOLE_ZONE).status).toBe(0);
    expect(server.dig("+tcp", owner, "A")).toHaveLength(60);
  });

  test("replaces, deletes one RR, an RRset, a name", () => {
    const owner = freshName();
    const send = (...lines: string[]) =>
      expect(server.nsupdate([`zone ${ORIGIN}`, ...lines], "-y", WHOLE_ZONE).status).toBe(0);
    send(`update add ${owner} 60 A 192.0.2.1`, `update add ${owner} 60 A 192.0.2.2`);
    send(`update delete ${owner} A 192.0.2.1`);
    expect(server.dig(owner, "A")).toEqual(["192.0.2.2"]);
    send(`update delete ${owner} A`, `update add ${owner} 60 TXT "left"`);
    expect(server.dig(owner, "A")).toEqual([]);
    expect(server.dig(owner, "TXT")).toEqual(['"left"']);
    send(`update delete ${owner}`);
    expect(server.digFull(owner, "TXT").stdout).toContain("status: NXDOMAIN");
  });

  test("each update steps the serial once, a no-op not at all", () => {
    const serial = () => Number(server.dig(ORIGIN, "SOA")[0]?.split(" ")[2]);
    const owner = freshName();
    const before = serial();
    server.nsupdate([`zone ${ORIGIN}`, `update add ${owner} 60 A 192.0.2.1`], "-y", WHOLE_ZONE);
    expect(serial()).toBe(before + 1);
    server.nsupdate([`zone ${ORIGIN}`, `update add ${owner} 60 A 192.0.2.1`], "-y", WHOLE_ZONE);
    expect(serial()).toBe(before + 1);
  });

  test.each([
    ["yxdomain", (name: string) => `prereq yxdomain ${name}`, "NXDOMAIN"],
    ["nxdomain", () => `prereq nxdomain home.${ORIGIN}`, "YXDOMAIN"],
    ["yxrrset", (name: string) => `prereq yxrrset ${name} A`, "NXRRSET"],
    ["nxrrset", () => `prereq nxrrset home.${ORIGIN} A`, "YXRRSET"],
    ["yxrrset with data", () => `prereq yxrrset home.${ORIGIN} A 192.0.2.99`, "NXRRSET"],
  ])("a failed prerequisite %s is answered with its own rcode", (_, prerequisite, rcode) => {
    const owner = freshName();
    const lines = [`zone ${ORIGIN}`, prerequisite(owner), `update add ${owner} 60 A 192.0.2.1`];
    const done = server.nsupdate(lines, "-y", WHOLE_ZONE);
    expect(done.stderr).toContain(`update failed: ${rcode}`);
    expect(server.dig(owner, "A")).toEqual([]);
  });

  test("prerequisites that hold let the update through", () => {
    const owner = freshName();
    const done = server.nsupdate(
      [
        `zone ${ORIGIN}`,
        `prereq nxdomain ${owner}`,
        `prereq yxdomain home.${ORIGIN}`,
        `prereq yxrrset home.${ORIGIN} A 192.0.2.1`,
        `update add ${owner} 60 A 192.0.2.7`,
      ],
      "-y",
      WHOLE_ZONE,
    );
    expect(done).toMatchObject({ status: 0, stderr: "" });
    expect(server.dig(owner, "A")).toEqual(["192.0.2.7"]);
  });

  test.each([
    ["an unknown key", key("nobody"), "BADKEY"],
    ["a wrong secret", "hmac-sha256:key-sha256:d3Jvbmc=", "BADSIG"],
    ["a wrong algorithm", key("key-sha256", "hmac-sha512"), "BADKEY"],
  ])("%s is refused and changes nothing", (_, credential, tsigError) => {
    const owner = freshName();
    const lines = [`zone ${ORIGIN}`, `update add ${owner} 60 A 192.0.2.1`];
    for (const transport of [[], ["-v"]]) {
      const done = server.nsupdate(lines, ...transport, "-y", credential);
      expect(done.status).not.toBe(0);
      expect(done.stderr + done.stdout).toMatch(new RegExp(`NOTAUTH|${tsigError}`));
    }
    expect(server.dig(owner, "A")).toEqual([]);
  });

  test("no key at all is refused", () => {
    const owner = freshName();
    const done = server.nsupdate([`zone ${ORIGIN}`, `update add ${owner} 60 A 192.0.2.1`]);
    expect(done.stderr).toContain("REFUSED");
    expect(server.dig(owner, "A")).toEqual([]);
  });

  test("a grant for one host and two types lets through exactly that", () => {
    const router = key("router");
    const attempt = (change: string) =>
      server.nsupdate([`zone ${ORIGIN}`, `update add ${change}`], "-y", router);
    expect(attempt(`home.${ORIGIN} 60 A 192.0.2.200`).status).toBe(0);
    expect(attempt(`home.${ORIGIN} 60 TXT no`).stderr).toContain("REFUSED");
    expect(attempt(`other.${ORIGIN} 60 A 192.0.2.200`).stderr).toContain("REFUSED");
    server.nsupdate([`zone ${ORIGIN}`, `update delete home.${ORIGIN} A 192.0.2.200`], "-y", router);
  });

  test("a zone that is not ours is NOTAUTH, a name outside the zone NOTZONE", () => {
    const foreign = ["zone example.net", "update add a.example.net 60 A 192.0.2.1"];
    expect(server.nsupdate(foreign, "-y", WHOLE_ZONE).stderr).toContain("NOTAUTH");
    const outside = [`zone ${ORIGIN}`, "update add a.example.net 60 A 192.0.2.1"];
    expect(server.nsupdate(outside, "-y", WHOLE_ZONE).stderr).toContain("NOTZONE");
  });
});

describe.skipIf(skipWithout("knsupdate"))("knsupdate", () => {
  const knsupdate = (lines: readonly string[], ...args: string[]) =>
    run("knsupdate", args, {
      input: [`server 127.0.0.1 ${server.dnsPort}`, ...lines, "send", ""].join("\n"),
    });

  test.each([
    ["UDP", []],
    ["TCP", ["-v"]],
  ])("over %s", (_, transport) => {
    const owner = freshName();
    const lines = [`zone ${ORIGIN}.`, `add ${owner}. 60 A 192.0.2.20`];
    const done = knsupdate(lines, ...transport, "-y", WHOLE_ZONE);
    expect(done).toMatchObject({ status: 0, stderr: "" });
    expect(server.dig(owner, "A")).toEqual(["192.0.2.20"]);
  });

  test("a failed prerequisite and a bad key are told apart", () => {
    const owner = freshName();
    const lines = (prerequisite: string) => [
      `zone ${ORIGIN}.`,
      prerequisite,
      `add ${owner}. 60 A 192.0.2.20`,
    ];
    const failed = knsupdate(lines(`prereq nxdomain home.${ORIGIN}.`), "-y", WHOLE_ZONE);
    expect(failed.stdout + failed.stderr).toContain("YXDOMAIN");
    const unknown = knsupdate(lines(`prereq nxdomain ${owner}.`), "-y", key("nobody"));
    expect(unknown.status).not.toBe(0);
    expect(server.dig(owner, "A")).toEqual([]);
  });
});
