import { afterAll, beforeAll, expect, test } from "vitest";
import { type HttpFixture, openHttpFixture } from "../../../test/server/http-fixture.ts";

let fixture: HttpFixture;
let secret: string;
beforeAll(async () => {
  fixture = await openHttpFixture();
  const grants = ["home", "nas"].map((label) => ({
    allow: ["update" as const],
    name: `${label}.dyn.example.com`,
    types: ["A", "AAAA"],
  }));
  ({ secret } = await fixture.accounts.addToken({ grants }));
});
afterAll(() => fixture.close());

async function post(payload: string | object, authorization = `Bearer ${secret}`) {
  const response = await fixture.app.inject({
    method: "POST",
    url: "/ddns/update",
    headers: authorization === "" ? {} : { authorization },
    payload,
  });
  return { status: response.statusCode, body: response.json(), headers: response.headers };
}

test("a form: good, then nochg, with the domain and the address", async () => {
  const form = "domain=home.dyn.example.com&ip=192.0.2.7";
  const body = { domain: "home.dyn.example.com", ip: "192.0.2.7" };
  expect(await post(form)).toMatchObject({ status: 200, body: { ...body, status: "good" } });
  expect(await post(form)).toMatchObject({ status: 200, body: { ...body, status: "nochg" } });
  expect(fixture.addresses("home")).toEqual(["192.0.2.7"]);
});

test("JSON, and the caller's address when none is given", async () => {
  await post({ domain: "NAS.dyn.example.com.", ip: "2001:db8::7" });
  expect(fixture.addresses("nas", "AAAA")).toEqual(["2001:db8::7"]);
  const { body } = await post({ domain: "nas.dyn.example.com", ip: "" });
  expect(body).toEqual({ status: "good", domain: "nas.dyn.example.com", ip: "127.0.0.1" });
});

test.each([
  ["no token", "domain=home.dyn.example.com", "", 401, "bad-credential"],
  ["a wrong token", "domain=home.dyn.example.com", "Bearer wrong", 401, "bad-credential"],
  ["somebody else's name", "domain=ns.dyn.example.com&ip=192.0.2.1", undefined, 403, "forbidden"],
  [
    "a name of no zone of ours",
    "domain=home.example.org&ip=192.0.2.1",
    undefined,
    403,
    "forbidden",
  ],
  ["no domain", "ip=192.0.2.1", undefined, 400, "bad-request"],
  ["a bad domain", "domain=home&ip=192.0.2.1", undefined, 400, "bad-request"],
  ["a bad address", "domain=home.dyn.example.com&ip=192.0.2.1x", undefined, 400, "bad-request"],
  [
    "two addresses",
    "domain=home.dyn.example.com&ip=192.0.2.1,192.0.2.2",
    undefined,
    400,
    "bad-request",
  ],
  ["broken JSON", "{", undefined, 400, "bad-request"],
])("%s", async (_, payload, authorization, status, code) => {
  const reply = await post(payload, authorization);
  expect(reply).toMatchObject({ status, body: { code } });
  expect(reply.headers["www-authenticate"]).toBe(
    status === 401 ? 'Bearer realm="windhover"' : undefined,
  );
  expect(JSON.stringify(reply.body)).not.toContain("example");
});

test("a store that is down: 503, and told to come again", async () => {
  fixture.store.isDown = true;
  const reply = await post("domain=home.dyn.example.com&ip=198.51.100.9");
  fixture.store.isDown = false;
  expect(reply).toMatchObject({ status: 503, body: { code: "store-unavailable" } });
  expect(reply.headers["retry-after"]).toBe("60");
});

test("GET is no way to change anything", async () => {
  const response = await fixture.app.inject({
    method: "GET",
    url: "/ddns/update?domain=home.dyn.example.com&ip=198.51.100.9",
    headers: { authorization: `Bearer ${secret}` },
  });
  expect(response.statusCode).toBe(404);
});
