import { afterAll, beforeAll, expect, test } from "vitest";
import { type HttpFixture, openHttpFixture } from "../../../test/server/http-fixture.ts";

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await openHttpFixture();
});
afterAll(() => fixture.close());

const get = (url: string) => fixture.app.inject({ method: "GET", url });

test("/healthz: the process answers, whatever else is wrong", async () => {
  fixture.readiness = { ready: false, reasons: ["the store cannot be reached"] };
  const reply = await get("/healthz");
  expect(reply.statusCode).toBe(200);
  expect(reply.json()).toEqual({ status: "ok" });
});

test("/readyz: 200 when ready, else 503 with the reasons", async () => {
  fixture.readiness = { ready: true, reasons: [] };
  expect((await get("/readyz")).statusCode).toBe(200);
  fixture.readiness = { ready: false, reasons: ["the store cannot be reached"] };
  const reply = await get("/readyz");
  expect(reply.statusCode).toBe(503);
  expect(reply.json()).toEqual({ ready: false, reasons: ["the store cannot be reached"] });
});
