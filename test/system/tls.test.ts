/** DNS over TLS (RFC 7858): kdig with its checks, signed updates, and certificates that are renewed while it runs. */
import { copyFileSync } from "node:fs";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Class, Opcode, Rcode, Type } from "../../src/wire/code-points.ts";
import { makeQuery, readMessage, writeMessage } from "../../src/wire/message.ts";
import { parseName } from "../../src/wire/name.ts";
import { signTsig } from "../../src/wire/tsig.ts";
import { makeCertificate, type TestCertificate } from "../server/certificates.ts";
import { dialTls } from "../server/stream-client.ts";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { freePort } from "./harness/ports.ts";
import { run, skipWithout, until } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

const HOME = `home.${ORIGIN}`;

let server: Windhover;
let files: TestCertificate;
let port: number;

beforeAll(async () => {
  files = makeCertificate("ns1.dyn.example.com");
  port = await freePort();
  server = await Windhover.start({
    ...EXAMPLE,
    dns: { identity: "ns1", tls: { listen: [`127.0.0.1:${port}`], ...files } },
  });
});
afterAll(async () => {
  await server?.stop();
});

describe.skipIf(skipWithout("kdig"))("kdig +tls", () => {
  const kdig = (...args: string[]) =>
    run("kdig", ["@127.0.0.1", "-p", String(port), "+tls", ...args]).stdout;

  test("an answer, with a certificate that is the one configured", () => {
    const out = kdig(
      `+tls-ca=${files.certificate}`,
      "+tls-hostname=ns1.dyn.example.com",
      HOME,
      "A",
    );
    expect(out).toContain("status: NOERROR");
    expect(out).toContain("192.0.2.1");
    expect(out).toMatch(/TLS session \(TLS1\.3\)/);
    const other = kdig(`+tls-ca=${files.certificate}`, "+tls-hostname=other.example", HOME, "A");
    expect(other).not.toContain("192.0.2.1");
  });

  test("several queries on one connection", () => {
    const out = kdig("+keepopen", HOME, "A", HOME, "TXT", `nothing.${ORIGIN}`, "A");
    expect(out.match(/status: NOERROR/g)).toHaveLength(2);
    expect(out.match(/status: NXDOMAIN/g)).toHaveLength(1);
  });

  test("a padded query gets a response of whole blocks, one that is not does not", () => {
    const size = (out: string) => Number(/Received (\d+) B/.exec(out)?.[1]);
    expect(size(kdig("+padding=128", HOME, "A"))).toBe(468);
    expect(size(kdig("+padding=128", `nothing.${ORIGIN}`, "A"))).toBe(468);
    expect(size(kdig("+nopadding", HOME, "A"))).toBeLessThan(100);
  });

  test("cookie, NSID, and TSIG with padding", () => {
    const out = kdig("+cookie=0102030405060708", "+nsid", HOME, "A");
    expect(out).toMatch(/COOKIE: 0102030405060708010000/i);
    expect(out).toMatch(/NSID: .*"ns1"/);
    const signed = kdig("-y", `hmac-sha384:key-sha384:${SECRET}`, "+padding=64", HOME, "A");
    expect(signed).toContain("status: NOERROR");
    expect(signed).not.toContain("WARNING");
    expect(signed).toMatch(/Received 468 B/);
  });

  test("a signed transfer", () => {
    const out = kdig("-y", `hmac-sha256:key-sha256:${SECRET}`, ORIGIN, "AXFR");
    expect(out.match(/\sSOA\s/g)).toHaveLength(2);
    expect(out).toContain("192.0.2.1");
  });

  test("queries over TLS are counted as such", async () => {
    kdig(HOME, "A");
    const metrics = await (await fetch(server.url("/metrics"))).text();
    expect(metrics).toMatch(/windhover_dns_queries_total\{transport="tls"\} [1-9]/);
  });
});

/** An UPDATE that adds an address, signed with the key of this name. */
function signedUpdate(owner: string, address: readonly number[], key: string): Uint8Array {
  const buffer = new Uint8Array(1024);
  const origin = parseName(ORIGIN);
  const rdata = Uint8Array.from(address);
  const record = { owner: parseName(owner), rrtype: Type.A, class: Class.in, ttl: 60, rdata };
  const head = makeQuery({ id: 9, name: origin, qtype: Type.SOA });
  const length = writeMessage({ ...head, opcode: Opcode.update, authorities: [record] }, buffer);
  const secret = new Uint8Array(Buffer.from(SECRET, "base64"));
  const tsig = { name: parseName(key), algorithm: "hmac-sha256", secret } as const;
  const nowSeconds = Math.floor(Date.now() / 1000);
  return buffer.slice(0, signTsig({ message: buffer, length, key: tsig, nowSeconds }));
}

async function exchange(message: Uint8Array) {
  const client = await dialTls({ address: "127.0.0.1", port });
  client.socket.write(Uint8Array.of(message.length >> 8, message.length & 255, ...message));
  const [reply] = await client.receive(1);
  client.socket.destroy();
  return readMessage(reply as Uint8Array);
}

describe("UPDATE over TLS", () => {
  test("with a good key is applied and seen over UDP", async () => {
    const reply = await exchange(signedUpdate(`new.${ORIGIN}`, [192, 0, 2, 9], "key-sha256"));
    expect(reply.rcode).toBe(Rcode.noError);
    expect(server.dig(`new.${ORIGIN}`, "A")).toEqual(["192.0.2.9"]);
  });

  test("without a grant is refused", async () => {
    const reply = await exchange(signedUpdate(`www.${ORIGIN}`, [192, 0, 2, 9], "router"));
    expect(reply.rcode).toBe(Rcode.refused);
  });
});

/** The name in the certificate that the server shows now. */
function shownName(): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, rejectUnauthorized: false, ALPNProtocols: ["dot"] };
    const socket: TLSSocket = connect(options, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("certificate files", () => {
  test("are read again when they change; a broken pair changes nothing", async () => {
    expect(await shownName()).toBe("ns1.dyn.example.com");
    const renewed = makeCertificate("renewed.example");
    copyFileSync(renewed.certificate, files.certificate);
    await until("the broken pair to be told", () =>
      server.output.includes("the new certificate cannot be used"),
    );
    expect(await shownName()).toBe("ns1.dyn.example.com");
    copyFileSync(renewed.key, files.key);
    await until("the renewed certificate", async () => (await shownName()) === "renewed.example");
    const reply = await exchange(signedUpdate(`later.${ORIGIN}`, [192, 0, 2, 10], "key-sha256"));
    expect(reply.rcode).toBe(Rcode.noError);
  });

  test.each([
    [
      "that are not there",
      { certificate: "/nowhere/cert.pem", key: "/nowhere/key.pem" },
      "/nowhere/cert.pem",
    ],
    ["that nobody named", {}, "`dns.tls.certificate`: is missing"],
  ])("%s are told at start", async (_, paths, problem) => {
    const broken = await Windhover.prepare({
      ...EXAMPLE,
      dns: { tls: { listen: [`127.0.0.1:${await freePort()}`], ...paths } },
    });
    const daemon = broken.spawn();
    expect(await daemon.ended()).not.toBe(0);
    expect(daemon.output).toContain(problem);
  });
});
