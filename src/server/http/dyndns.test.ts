import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { basic, type HttpFixture, openHttpFixture } from "../../../test/server/http-fixture.ts";
import { Limits } from "../../base/limits.ts";
import { hashPassword } from "../../identity/password.ts";

let fixture: HttpFixture;
const ALICE = basic("alice", "s3cr:et");
const HOME = "home.dyn.example.com";
const NAS = "nas.dyn.example.com";

beforeAll(async () => {
  fixture = await openHttpFixture({}, await hashPassword("s3cr:et"));
});
afterAll(() => fixture.close());

interface Options {
  readonly authorization?: string;
  readonly headers?: Record<string, string>;
}

async function update(query: string, { authorization = ALICE, headers = {} }: Options = {}) {
  const response = await fixture.app.inject({
    method: "GET",
    url: `/nic/update?${query}`,
    headers: authorization === "" ? headers : { authorization, ...headers },
  });
  return { status: response.statusCode, body: response.body, headers: response.headers };
}

describe("credentials", () => {
  test("missing: 401, the Basic challenge alone, `badauth`, and no failure counted", async () => {
    for (let count = 0; count < Limits.authFailures + 5; count++) {
      const reply = await update(`hostname=${HOME}`, { authorization: "" });
      expect(reply.status).toBe(401);
      expect(reply.headers["www-authenticate"]).toBe('Basic realm="windhover"');
      expect(reply.body).toBe("badauth\n");
    }
    expect((await update(`hostname=${HOME}&myip=192.0.2.9`)).status).toBe(200);
  });

  test("wrong: 401, and the log names the address and never the secret", async () => {
    const reply = await update(`hostname=${HOME}`, {
      authorization: basic("alice", "wrong-secret"),
    });
    expect(reply).toMatchObject({ status: 401, body: "badauth\n" });
    const line = fixture.lines.findLast(({ msg }) => msg === "wrong credentials");
    expect(line).toMatchObject({ address: "127.0.0.1", user: "alice", path: "/nic/update" });
    expect(JSON.stringify(fixture.lines)).not.toContain("wrong-secret");
  });

  test.each([
    ["user name and password parameters", "username=alice&password=s3cr%3Aet"],
    ["their other names", "login=alice&pw=s3cr%3Aet"],
  ])("%s", async (_, credentials) => {
    const query = `hostname=${HOME}&myip=192.0.2.9&${credentials}`;
    expect((await update(query, { authorization: "" })).body).toMatch(
      /^(good|nochg) 192\.0\.2\.9\n$/,
    );
    expect(JSON.stringify(fixture.lines)).not.toContain("s3cr");
  });

  test.each([
    ["Bearer", (secret: string) => `Bearer ${secret}`],
    ["deSEC's Token", (secret: string) => `Token ${secret}`],
    ["Basic with the user none", (secret: string) => basic("none", secret)],
    ["Basic without a user", (secret: string) => basic("", secret)],
    ["Basic with the host as the user", (secret: string) => basic(HOME, secret)],
  ])("a machine token as %s", async (_, authorization) => {
    const grants = [{ allow: ["update" as const], name: HOME }];
    const { secret, id } = await fixture.accounts.addToken({ grants });
    const reply = await update("myip=198.51.100.7", { authorization: authorization(secret) });
    expect(reply.body).toMatch(/ 198\.51\.100\.7\n$/);
    await fixture.accounts.revokeToken(id);
    expect((await update("", { authorization: authorization(secret) })).status).toBe(401);
  });

  test("a machine token as parameter, alone or as a password beside the host", async () => {
    const grants = [{ allow: ["update" as const], name: HOME }];
    const { secret } = await fixture.accounts.addToken({ grants });
    for (const name of ["token", "key", "apikey", "password"]) {
      const reply = await update(`hostname=${HOME}&myip=192.0.2.1&${name}=${secret}`, {
        authorization: "",
      });
      expect(reply.body).toMatch(/^(good|nochg) 192\.0\.2\.1\n$/);
    }
  });
});

describe("hosts", () => {
  test("several: a line each in the order asked, with every address", async () => {
    await update(`hostname=${HOME}&myip=192.0.2.1`);
    await update(`hostname=${NAS}&myip=192.0.2.2`);
    const reply = await update(`hostname=${NAS},${HOME}&myip=192.0.2.1,2001:db8::1`);
    expect(reply.body).toBe("good 192.0.2.1,2001:db8::1\ngood 192.0.2.1,2001:db8::1\n");
    const again = await update(`hostname=${NAS}%2C+${HOME}.&myip=192.0.2.1%2c2001%3adb8%3a%3a1`);
    expect(again.body).toBe("nochg 192.0.2.1,2001:db8::1\nnochg 192.0.2.1,2001:db8::1\n");
    expect(again.headers["content-length"]).toBe(String(again.body.length));
    expect(again.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(fixture.addresses("nas")).toEqual(["192.0.2.1"]);
    expect(fixture.addresses("nas", "AAAA")).toEqual(["2001:db8::1"]);
  });

  test("mixed: one refused does not refuse the others, and no name is repeated", async () => {
    await update(`hostname=${HOME}&myip=192.0.2.1`);
    const hosts = `${HOME},good.other.example,ns.dyn.example.com,nohost,${NAS}`;
    const reply = await update(`hostname=${hosts}&myip=192.0.2.77`);
    expect(reply.status).toBe(200);
    expect(reply.body).toBe("good 192.0.2.77\nnohost\nnohost\nnotfqdn\ngood 192.0.2.77\n");
    expect(fixture.addresses("ns")).toEqual(["192.0.2.53"]);
  });

  test("what changes nothing commits nothing", async () => {
    await update(`hostname=${HOME}&myip=192.0.2.1`);
    const serial = fixture.serial();
    for (let count = 0; count < 50; count++) {
      expect((await update(`hostname=${HOME}&myip=192.0.2.1`)).body).toBe("nochg 192.0.2.1\n");
    }
    expect(fixture.serial()).toBe(serial);
  });

  test(`${Limits.dyndnsHosts} are served; one more is numhost`, async () => {
    const most = Array.from({ length: Limits.dyndnsHosts }, () => HOME).join(",");
    expect((await update(`hostname=${most}`)).body.split("\n")).toHaveLength(
      Limits.dyndnsHosts + 1,
    );
    expect(await update(`hostname=${most},${HOME}`)).toMatchObject({
      status: 200,
      body: "numhost\n",
    });
    expect((await update(`strict=1&hostname=${most},${HOME}`)).status).toBe(400);
  });

  test("none, by a credential for one host: that host", async () => {
    const authorization = basic("bob", "bobs-plain-token");
    expect((await update("myip=192.0.2.5", { authorization })).body).toBe("good 192.0.2.5\n");
    expect(fixture.addresses("bob")).toEqual(["192.0.2.5"]);
  });

  test("none, by a credential for several: notfqdn", async () => {
    expect((await update("myip=192.0.2.5")).body).toBe("notfqdn\n");
  });

  test.each(["host_id", "domains", "domain", "host", "zone", "Hostname", "h[]", "id"])(
    "in the parameter %s",
    async (name) => {
      expect((await update(`${name}=${HOME}&myip=192.0.2.1`)).body).toMatch(/192\.0\.2\.1\n$/);
    },
  );

  test.each([
    ["a host and its domain", "host=home&domain=dyn.example.com"],
    ["hostname=YES of dyndns1", `hostname=YES&host_id=${HOME}`],
    ["a bare first parameter", HOME],
    ["capitals", "hostname=HOME.Dyn.Example.COM."],
  ])("as %s", async (_, query) => {
    expect((await update(`${query}&myip=192.0.2.1`)).body).toMatch(/192\.0\.2\.1\n$/);
  });

  test("at a CNAME: dnserr, because no address may stand beside it", async () => {
    const grants = [{ allow: ["update" as const], zone: "dyn.example.com" }];
    const { secret } = await fixture.accounts.addToken({ grants });
    const reply = await update("hostname=alias.dyn.example.com&myip=192.0.2.1", {
      authorization: `Bearer ${secret}`,
    });
    expect(reply.body).toBe("dnserr\n");
    expect(fixture.addresses("alias")).toEqual([]);
  });
});

describe("addresses", () => {
  test("none given, or empty ones: the caller's", async () => {
    for (const query of ["", "&myip=", "&myip=,&myipv6=", "&myipv4=&ip=+"]) {
      expect((await update(`hostname=${HOME}${query}`)).body).toMatch(
        /^(good|nochg) 127\.0\.0\.1\n$/,
      );
    }
  });

  test("IPv6 alone keeps A, IPv4 alone keeps AAAA", async () => {
    await update(`hostname=${HOME}&myip=192.0.2.1,2001:db8::1`);
    expect((await update(`hostname=${HOME}&myipv6=2001:db8::2`)).body).toBe("good 2001:db8::2\n");
    expect(fixture.addresses("home")).toEqual(["192.0.2.1"]);
    expect((await update(`hostname=${HOME}&myip=192.0.2.2`)).body).toBe("good 192.0.2.2\n");
    expect(fixture.addresses("home", "AAAA")).toEqual(["2001:db8::2"]);
  });

  test.each([
    "1.1.1.1host2.example",
    "192.0.2.256",
    "192.0.2",
    "2001:db8::g",
    "0x7f.1",
    "fe80::1%25eth0",
    "0.0.0.0",
    "::",
    "192.0.2.1/33",
    "192.0.2.1,garbage",
  ])("%s is refused and nothing is put in its place", async (value) => {
    await update(`hostname=${HOME}&myip=192.0.2.1`);
    expect(await update(`hostname=${HOME}&myip=${value}`)).toMatchObject({
      status: 200,
      body: "dnserr\n",
    });
    expect((await update(`strict=1&hostname=${HOME}&myip=${value}`)).status).toBe(400);
    expect(fixture.addresses("home")).toEqual(["192.0.2.1"]);
  });

  test("`offline` takes both away", async () => {
    await update(`hostname=${HOME}&myip=192.0.2.1,2001:db8::1`);
    expect((await update(`hostname=${HOME}&offline=YES`)).body).toBe("good\n");
    expect(fixture.addresses("home")).toEqual([]);
    expect(fixture.addresses("home", "AAAA")).toEqual([]);
  });
});

describe("statuses", () => {
  test.each([
    ["strict=1", {}],
    ["", { "user-agent": "OPNsense-dyndns/2.0" }],
    ["", { "user-agent": "Go-http-client/1.1" }],
  ])("strict by %j %j: failures are not 2xx", async (query, headers) => {
    const refused = await update(`hostname=other.example.org&${query}`, { headers });
    expect(refused).toMatchObject({ status: 404, body: "nohost\n" });
    const done = await update(`hostname=${HOME}&myip=192.0.2.1&${query}`, { headers });
    expect(done.status).toBe(200);
  });

  test("a store that is down: 911 and 503 for everybody, once, and the reason in the log", async () => {
    await update(`hostname=${HOME}&myip=192.0.2.1`);
    fixture.store.isDown = true;
    const reply = await update(`hostname=${HOME},${NAS}&myip=203.0.113.80`);
    fixture.store.isDown = false;
    expect(reply).toMatchObject({ status: 503, body: "911\n" });
    const line = fixture.lines.findLast(({ msg }) => msg === "update refused");
    expect(line).toMatchObject({ reason: "store-unavailable", actor: "user:alice" });
    expect((await update(`hostname=${HOME}&myip=203.0.113.80`)).body).toBe("good 203.0.113.80\n");
  });

  test.each(["HEAD", "DELETE", "PATCH", "OPTIONS"] as const)(
    "%s changes nothing",
    async (method) => {
      const serial = fixture.serial();
      const url = `/nic/update?hostname=${HOME}&myip=203.0.113.${method.length}`;
      const response = await fixture.app.inject({ method, url, headers: { authorization: ALICE } });
      expect(response.statusCode).toBe(405);
      expect(response.headers.allow).toBe("GET, POST, PUT");
      expect(fixture.serial()).toBe(serial);
    },
  );
});

describe("request forms", () => {
  const post = (payload: string, type: string, method: "POST" | "PUT" | "GET" = "POST") =>
    fixture.app.inject({
      method,
      url: "/nic/update",
      headers: { authorization: ALICE, "content-type": type },
      payload,
    });
  const form = `hostname=${HOME}&myip=192.0.2.44`;
  const json = JSON.stringify({
    hostname: HOME,
    myip: "192.0.2.44",
    offline: false,
    deep: { a: 1 },
  });
  const multipart = [
    "--b",
    'Content-Disposition: form-data; name="hostname"',
    "",
    HOME,
    "--b",
    'Content-Disposition: form-data; name="myip"',
    "",
    "192.0.2.44",
    "--b--",
    "",
  ].join("\r\n");

  test.each([
    ["a form", form, "application/x-www-form-urlencoded"],
    ["a form that says JSON", form, "application/json"],
    ["JSON", json, "application/json"],
    ["JSON that says form", json, "application/x-www-form-urlencoded"],
    ["multipart", multipart, "multipart/form-data; boundary=b"],
    ["a form of no type", form, "-"],
    ["a form of a malformed type", form, "text/;;=/"],
  ])("%s", async (_, payload, type) => {
    for (const method of ["POST", "PUT"] as const) {
      const response = await post(payload, type, method);
      expect(response.body).toMatch(/^(good|nochg) 192\.0\.2\.44\n$/);
    }
  });

  test("query and body together", async () => {
    const response = await fixture.app.inject({
      method: "POST",
      url: `/nic/update?hostname=${HOME}`,
      headers: { authorization: ALICE, "content-type": "application/x-www-form-urlencoded" },
      payload: "myip=192.0.2.45",
    });
    expect(response.body).toBe("good 192.0.2.45\n");
  });

  test.each([
    ["an empty body that says JSON", "", "application/json", "POST"],
    ["a GET with a body", "{}", "application/json", "GET"],
  ] as const)("%s", async (_, payload, type, method) => {
    const response = await fixture.app.inject({
      method,
      url: `/nic/update?hostname=${HOME}&myip=192.0.2.46`,
      headers: { authorization: ALICE, "content-type": type },
      payload,
    });
    expect(response.body).toMatch(/^(good|nochg) 192\.0\.2\.46\n$/);
  });

  test("a body that cannot be read is refused before anything else", async () => {
    const response = await post('{"hostname":', "application/json");
    expect(response.statusCode).toBe(400);
    expect(response.body).toBe("dnserr\n");
  });

  test(`${Limits.httpParameters} parameters are read; one more is refused`, async () => {
    const some = (count: number) => Array.from({ length: count }, (_, at) => `x${at}=1`).join("&");
    const at = (count: number) => update(`hostname=${HOME}&myip=192.0.2.1&${some(count)}`);
    expect((await at(Limits.httpParameters - 2)).body).toMatch(/192\.0\.2\.1/);
    expect(await at(Limits.httpParameters - 1)).toMatchObject({ status: 400, body: "dnserr\n" });
  });

  test("a body at the limit is read; one octet more is refused before authentication", async () => {
    const padded = (length: number) => `${form}&pad=`.padEnd(length, "x");
    const type = "application/x-www-form-urlencoded";
    expect((await post(padded(Limits.httpBody), type)).statusCode).toBe(200);
    const response = await fixture.app.inject({
      method: "POST",
      url: "/nic/update",
      headers: { "content-type": type },
      payload: padded(Limits.httpBody + 1),
    });
    expect(response.statusCode).toBe(413);
  });
});

describe("targets", () => {
  test.each([
    "//nic/update",
    "/\\/nic/update",
    "/nic/update/",
    "http://elsewhere.example/nic/update",
    "/v3/update",
    "/nic/dyndns",
    "/nic/statdns",
    "/dyndns/update",
    "/ph/update",
    "/update.php",
    "/XDynDNSServer/XDynDNS.php",
    "/update",
    "/",
  ])("%s", async (path) => {
    const response = await fixture.app.inject({
      method: "GET",
      url: `${path}?hostname=${HOME}&myip=192.0.2.50`,
      headers: { authorization: ALICE, host: "odd host" },
    });
    expect(response.body).toMatch(/^(good|nochg) 192\.0\.2\.50\n$/);
  });

  test("an unknown path is 404 and repeats nothing", async () => {
    const response = await fixture.app.inject({ method: "GET", url: "/good/nochg?good" });
    expect(response).toMatchObject({ statusCode: 404, body: "not found\n" });
  });
});
