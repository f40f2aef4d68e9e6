/**
 * ACME clients that prove names by RFC 2136: certbot's plug-in and lego, against a real ACME server that looks the
 * challenges up in Windhover. A certificate is only issued when add, answer and delete all worked.
 */
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AcmeServer } from "./harness/acme-server.ts";
import { ALGORITHMS, EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { run, runAsync, skipWithout } from "./harness/program.ts";
import { PYTHON, skipWithoutModule } from "./harness/python.ts";
import { Windhover } from "./harness/windhover.ts";

const HOST = `home.${ORIGIN}`;
const CHALLENGE = `_acme-challenge.${HOST}`;
const DELEGATED = `www.acme.${ORIGIN}`;

/** What an operator gives an ACME client: one name or one zone, TXT and nothing else. */
const KEYS = [
  { name: "narrow", algorithm: "hmac-sha512", grants: [{ name: CHALLENGE }] },
  { name: "elsewhere", algorithm: "hmac-sha512", grants: [{ name: DELEGATED }] },
  ...ALGORITHMS.map((algorithm) => ({
    name: algorithm.replace("hmac-", "acme-"),
    algorithm,
    grants: [{ zone: ORIGIN }],
  })),
].map((key) => ({
  ...key,
  secret: SECRET,
  grants: key.grants.map((scope) => ({ allow: ["update"], types: ["TXT"], ...scope })),
}));

const ZONE = `${EXAMPLE.files["dyn.zone"]}
_acme-challenge.www IN CNAME www.acme
*.shared IN CNAME home
`;

const directory = mkdtempSync(join(tmpdir(), "windhover-acme-clients-"));
let server: Windhover;

beforeAll(async () => {
  const config = { ...EXAMPLE.config, keys: KEYS };
  server = await Windhover.start({ config, files: { "dyn.zone": ZONE } });
});
afterAll(async () => {
  await server?.stop();
});

function write(name: string, lines: readonly string[]): string {
  const path = join(directory, name);
  writeFileSync(path, [...lines, ""].join("\n"), { mode: 0o600 });
  return path;
}

const namesOf = (file: string) =>
  new X509Certificate(readFileSync(file)).subjectAltName?.split(", ").sort();

const isGone = (owner: string) => server.digFull(owner, "TXT").stdout.includes("status: NXDOMAIN");

const history = (entries: number) =>
  server.cli("zone", "history", ORIGIN, "--limit", String(entries)).stdout;

const withoutPlugin = skipWithout("certbot", "dig") || skipWithoutModule("certbot_dns_rfc2136");
const withoutAcmeServer = skipWithout("pebble", "openssl");

describe.skipIf(withoutPlugin || withoutAcmeServer)("certbot", () => {
  let acme: AcmeServer;
  beforeAll(async () => {
    acme = await AcmeServer.start(server.dnsPort);
  });
  afterAll(async () => {
    await acme?.stop();
  });

  async function certbot(
    name: string,
    key: Record<string, string>,
    hosts: readonly string[],
  ): Promise<{ status: number | null; output: string; certificate: string }> {
    const credentials = {
      server: "127.0.0.1",
      port: String(server.dnsPort),
      secret: SECRET,
      ...key,
    };
    const ini = write(
      `${name}.ini`,
      Object.entries(credentials).map(([setting, value]) => `dns_rfc2136_${setting} = ${value}`),
    );
    const home = mkdtempSync(join(directory, "certbot-"));
    const args = ["certonly", "--non-interactive", "--agree-tos", "--server", acme.url];
    args.push("--register-unsafely-without-email", "--cert-name", name);
    args.push("--dns-rfc2136", "--dns-rfc2136-credentials", ini);
    args.push("--dns-rfc2136-propagation-seconds", "0");
    for (const kind of ["config", "work", "logs"]) args.push(`--${kind}-dir`, join(home, kind));
    for (const host of hosts) args.push("-d", host);
    const env = { REQUESTS_CA_BUNDLE: acme.authority };
    const done = await runAsync("certbot", args, { env, timeoutMs: 100_000 });
    const certificate = join(home, "config/live", name, "cert.pem");
    return { status: done.status, output: done.stdout + done.stderr, certificate };
  }

  test("HMAC-SHA512: host and wildcard need two values at one name, and leave nothing", async () => {
    const key = { name: "narrow.", algorithm: "HMAC-SHA512" };
    const done = await certbot("sha512", key, [HOST, `*.${HOST}`]);
    expect(done.output).toContain("Successfully received certificate");
    expect(done.status).toBe(0);
    expect(namesOf(done.certificate)).toEqual([`DNS:*.${HOST}`, `DNS:${HOST}`]);
    expect(isGone(CHALLENGE)).toBe(true);
    const changes = history(4);
    expect(changes.match(/key:narrow by rfc2136/g)).toHaveLength(4);
    const each = (sign: string) => new RegExp(`\\${sign} ${CHALLENGE}\\.\\s+120\\s.*TXT`, "g");
    expect(changes.match(each("+"))).toHaveLength(2);
    expect(changes.match(each("-"))).toHaveLength(2);
  });

  test("no algorithm means HMAC-MD5, its name sent in upper case; an alias is no hindrance", async () => {
    const host = `nas.shared.${ORIGIN}`;
    const done = await certbot("md5", { name: "acme-md5." }, [host]);
    expect(done.output).toContain("Successfully received certificate");
    expect(namesOf(done.certificate)).toEqual([`DNS:${host}`]);
    expect(isGone(`_acme-challenge.${host}`)).toBe(false);
    expect(server.dig(`_acme-challenge.${host}`, "TXT")).toEqual([`${HOST}.`]);
  });

  test("the zone's own name and a wildcard beside it", async () => {
    const done = await certbot("apex", { name: "acme-sha256.", algorithm: "HMAC-SHA256" }, [
      ORIGIN,
      `*.${ORIGIN}`,
    ]);
    expect(namesOf(done.certificate)).toEqual([`DNS:*.${ORIGIN}`, `DNS:${ORIGIN}`]);
    expect(isGone(`_acme-challenge.${ORIGIN}`)).toBe(true);
  });

  test("a name that the key's grants do not cover is REFUSED, and certbot says so", async () => {
    const key = { name: "narrow.", algorithm: "HMAC-SHA512" };
    const done = await certbot("ungranted", key, [`other.${ORIGIN}`]);
    expect(done.status).not.toBe(0);
    expect(done.output).toContain("Received response from server: REFUSED");
    expect(isGone(`_acme-challenge.other.${ORIGIN}`)).toBe(true);
  });

  test("a wrong secret ends at the first question, by its own signature error", async () => {
    const key = { name: "narrow.", algorithm: "HMAC-SHA512", secret: "d3Jvbmc=" };
    const done = await certbot("secret", key, [HOST]);
    expect(done.status).not.toBe(0);
    expect(done.output).toContain("The peer didn't like the signature we sent");
  });
});

/** The plug-in's own client class, without ACME around it: where the challenge is put, and by which zone. */
describe.skipIf(withoutPlugin)("certbot's RFC 2136 client", () => {
  const SCRIPT = `
import sys, dns.name
from certbot_dns_rfc2136._internal.dns_rfc2136 import Authenticator, _RFC2136Client
port, key, secret, algorithm, *steps = sys.argv[1:]
client = _RFC2136Client("127.0.0.1", int(port), key, secret, Authenticator.ALGORITHMS[algorithm])
for step in steps:
    verb, name, value = step.split("=")
    if verb == "add": client.add_txt_record(name, value, 60)
    if verb == "del": client.del_txt_record(name, value)
    if verb == "zone": print(client._find_domain(name))
`;

  function client(key: string, algorithm: string, ...steps: string[]) {
    const args = ["-c", SCRIPT, String(server.dnsPort), key, SECRET, algorithm.toUpperCase()];
    return run(PYTHON, [...args, ...steps]);
  }

  test.each(ALGORITHMS)("two values at one name, taken away one by one, with %s", (algorithm) => {
    const key = algorithm.replace("hmac-", "acme-");
    const name = `_acme-challenge.${key}.${ORIGIN}`;
    const add = client(key, algorithm, `add=${name}=one`, `add=${name}=two`);
    expect(add).toMatchObject({ status: 0, stderr: "" });
    expect(server.dig(name, "TXT").sort()).toEqual(['"one"', '"two"']);
    expect(client(key, algorithm, `del=${name}=one`).status).toBe(0);
    expect(server.dig(name, "TXT")).toEqual(['"two"']);
    expect(client(key, algorithm, `del=${name}=two`, `del=${name}=two`).status).toBe(0);
    expect(isGone(name)).toBe(true);
  });

  test.each([
    ["a name far below the apex", `_acme-challenge.a.b.c.d.${ORIGIN}`],
    ["the apex", ORIGIN],
    ["a name below a wildcard", `_acme-challenge.any.wild.${ORIGIN}`],
    ["an alias", `www.${ORIGIN}`],
    ["a name below an alias by wildcard", `_acme-challenge.any.shared.${ORIGIN}`],
  ])("finds the zone of %s by signed SOA questions over TCP", (_, name) => {
    const found = client("acme-sha256", "hmac-sha256", `zone=${name}=`);
    expect(found).toMatchObject({ status: 0, stderr: "", stdout: `${ORIGIN}\n` });
  });

  test("a name in no zone of ours is told apart from a broken server", () => {
    const found = client("acme-sha256", "hmac-sha256", "zone=_acme-challenge.www.example.net=");
    expect(found.stderr).toContain("Unable to determine base domain");
  });
});

describe.skipIf(withoutAcmeServer || skipWithout("lego", "dig"))("lego", () => {
  let acme: AcmeServer;
  beforeAll(async () => {
    acme = await AcmeServer.start(server.dnsPort);
  });
  afterAll(async () => {
    await acme?.stop();
  });

  async function lego(key: Record<string, string>, hosts: readonly string[]) {
    const home = mkdtempSync(join(directory, "lego-"));
    const args = ["--accept-tos", "--email", "admin@example.com", "--path", home];
    args.push("--server", acme.url, "--dns", "rfc2136");
    // Its own look at the zone's name servers goes to port 53 of what the system resolves them to.
    args.push("--dns.disable-cp", "--dns.resolvers", `127.0.0.1:${server.dnsPort}`);
    for (const host of hosts) args.push("--domains", host);
    const env = {
      LEGO_CA_CERTIFICATES: acme.authority,
      RFC2136_NAMESERVER: `127.0.0.1:${server.dnsPort}`,
      RFC2136_TSIG_SECRET: SECRET,
      RFC2136_POLLING_INTERVAL: "1",
      RFC2136_SEQUENCE_INTERVAL: "1",
      ...key,
    };
    const done = await runAsync("lego", [...args, "run"], { env, timeoutMs: 100_000 });
    const file = `${hosts[0]?.replace("*", "_")}.crt`;
    const certificate = join(home, "certificates", file);
    return { status: done.status, output: done.stdout + done.stderr, certificate };
  }

  test("its default algorithm, host and wildcard one after the other", async () => {
    const done = await lego({ RFC2136_TSIG_KEY: "acme-sha1" }, [HOST, `*.${HOST}`]);
    expect(done.output).toContain("Server responded with a certificate");
    expect(done.status).toBe(0);
    expect(namesOf(done.certificate)).toEqual([`DNS:*.${HOST}`, `DNS:${HOST}`]);
    expect(isGone(CHALLENGE)).toBe(true);
    const changes = history(4);
    expect(changes.match(/key:acme-sha1 by rfc2136/g)).toHaveLength(4);
    expect(changes.match(/[+-] _acme-challenge\.home\..*TXT/g)).toHaveLength(4);
  });

  test("a challenge that is an alias is followed to the one name the key may change", async () => {
    const done = await lego(
      {
        RFC2136_TSIG_KEY: "elsewhere",
        RFC2136_TSIG_ALGORITHM: "hmac-sha512.",
        LEGO_EXPERIMENTAL_CNAME_SUPPORT: "true",
      },
      [`www.${ORIGIN}`],
    );
    expect(done.status).toBe(0);
    expect(namesOf(done.certificate)).toEqual([`DNS:www.${ORIGIN}`]);
    expect(history(2)).toMatch(new RegExp(`\\+ ${DELEGATED}\\..*TXT`));
    expect(server.dig(`_acme-challenge.www.${ORIGIN}`, "CNAME")).toEqual([`${DELEGATED}.`]);
  });

  test("a name that the key's grants do not cover is refused, and lego says so", async () => {
    const key = { RFC2136_TSIG_KEY: "narrow", RFC2136_TSIG_ALGORITHM: "hmac-sha512." };
    const done = await lego(key, [`other.${ORIGIN}`]);
    expect(done.status).not.toBe(0);
    expect(done.output).toContain("REFUSED");
    expect(isGone(`_acme-challenge.other.${ORIGIN}`)).toBe(true);
  });
});
