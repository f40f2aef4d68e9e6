import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type HttpFixture, openHttpFixture } from "../../../test/server/http-fixture.ts";

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await openHttpFixture({ trustedProxies: ["127.0.0.1"] });
});
afterAll(() => fixture.close());

const get = (url: string, headers: Record<string, string> = {}, from = "203.0.113.9") =>
  fixture.app.inject({ method: "GET", url, headers: { "x-forwarded-for": from, ...headers } });

describe("the caller's address", () => {
  test.each(["/checkip", "/checkip/", "/myip", "/ip", "/nic/checkip"])("%s, plain", async (url) => {
    const reply = await get(url);
    expect(reply.body).toBe("203.0.113.9\n");
    expect(reply.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(reply.headers["cache-control"]).toBe("no-store");
    expect((await get(url, {}, "2001:db8::9")).body).toBe("2001:db8::9\n");
  });

  test("in the form of checkip.dyndns.org", async () => {
    const page =
      "<html><head><title>Current IP Check</title></head><body>Current IP Address: 203.0.113.9</body></html>\n";
    expect((await get("/checkip.html")).body).toBe(page);
    expect((await get("/", { host: "checkip.example.net" })).body).toBe(page);
    expect((await get("/", { host: "ddns.example.net" })).statusCode).toBe(404);
  });

  test("as JSON only when asked for", async () => {
    expect((await get("/ip?format=json")).json()).toEqual({ ip: "203.0.113.9" });
    expect((await get("/ip", { accept: "application/json" })).json()).toEqual({
      ip: "203.0.113.9",
    });
    const browser = "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8";
    expect((await get("/ip", { accept: browser })).body).toBe("203.0.113.9\n");
    expect((await get("/ip?format=text", { accept: "application/json" })).body).toBe(
      "203.0.113.9\n",
    );
  });

  test("is the only one in the reply, headers included, with its length told", async () => {
    for (const url of ["/checkip", "/checkip.html", "/ip?format=json"]) {
      const reply = await get(url);
      const whole = JSON.stringify(reply.headers) + reply.body;
      expect(whole.match(/\d{1,3}(?:\.\d{1,3}){3}/g)).toEqual(["203.0.113.9"]);
      expect(reply.headers["content-length"]).toBe(String(reply.body.length));
      expect(reply.headers["transfer-encoding"]).toBeUndefined();
    }
  });

  test("HEAD tells the same length and no body", async () => {
    const address = await fixture.app.listen({ host: "127.0.0.1", port: 0 });
    const reply = await fetch(`${address}/checkip`, { method: "HEAD" });
    expect(reply.status).toBe(200);
    expect(await reply.text()).toBe("");
    expect(reply.headers.get("content-length")).toBe("10");
  });
});
