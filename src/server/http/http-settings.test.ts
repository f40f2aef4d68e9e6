import { afterEach, expect, test } from "vitest";
import { basic, type HttpFixture, openHttpFixture } from "../../../test/server/http-fixture.ts";
import { HttpSettings } from "./http-settings.ts";

let fixture: HttpFixture | undefined;
afterEach(() => fixture?.close());

test("other choices are those of the next request", async () => {
  fixture = await openHttpFixture();
  const { app, settings } = fixture;
  const ip = async () =>
    (await app.inject({ url: "/checkip", headers: { "x-forwarded-for": "192.0.2.7" } })).body;
  const update = (address: string) =>
    app.inject({
      url: `/nic/update?hostname=bob.dyn.example.com&myip=${address}`,
      headers: { authorization: basic("bob", "bobs-plain-token") },
    });
  const metrics = async () => (await app.inject({ url: "/metrics" })).statusCode;
  await update("192.0.2.1");
  expect([(await ip()).trim(), await metrics()]).toEqual(["127.0.0.1", 200]);
  const change = settings.prepare({ ttl: 5, trustedProxies: ["127.0.0.1"], metrics: false });
  expect([(await ip()).trim(), await metrics()]).toEqual(["127.0.0.1", 200]);
  change();
  expect([(await ip()).trim(), await metrics()]).toEqual(["192.0.2.7", 404]);
  expect(settings.ttl()).toBe(5);
});

test("a proxy that is none is refused, and the choices of before stay", () => {
  const choices = { ttl: 60, trustedProxies: [], metrics: true };
  const settings = new HttpSettings(choices);
  expect(() => settings.prepare({ ...choices, ttl: 5, trustedProxies: ["x"] })).toThrow('"x"');
  expect(settings.ttl()).toBe(60);
});
