import { describe, expect, test } from "vitest";
import { basic } from "../../../test/server/http-fixture.ts";
import { headerCredential, requestCredentials } from "./credentials.ts";
import { readParameters } from "./request-parameters.ts";

describe("the Authorization header", () => {
  test.each([
    [basic("alice", "s3cr:et"), { kind: "basic", user: "alice", secret: "s3cr:et" }],
    [basic("", "token"), { kind: "basic", user: "", secret: "token" }],
    [basic("alice", ""), { kind: "basic", user: "alice", secret: "" }],
    [basic("rené", "mot de passe"), { kind: "basic", user: "rené", secret: "mot de passe" }],
    [
      `Basic ${Buffer.from("ren\xe9:x", "latin1").toString("base64")}`,
      { kind: "basic", user: "rené", secret: "x" },
    ],
    ["bearer  abc ", { kind: "token", secret: "abc" }],
    ["TOKEN abc", { kind: "token", secret: "abc" }],
  ])("%s", (header, credential) => expect(headerCredential(header)).toEqual(credential));

  test.each([
    undefined,
    "",
    "Basic",
    "Basic !!!",
    "Digest username=x",
    `Basic ${Buffer.from("x").toString("base64")}`,
  ])("%j is no credential", (header) => expect(headerCredential(header)).toBeUndefined());
});

test("all there are, in the order they are tried", async () => {
  const query = "user=bob&pass=p&token=t";
  const parameters = await readParameters({ query, body: new Uint8Array(), contentType: "" });
  expect(requestCredentials("Bearer b", parameters, undefined)).toEqual([
    { kind: "token", secret: "b" },
    { kind: "basic", user: "bob", secret: "p" },
    { kind: "token", secret: "t" },
  ]);
});

test("a password alone belongs to the host", async () => {
  const source = { query: "password=p", body: new Uint8Array(), contentType: "" };
  const parameters = await readParameters(source);
  const expected = [{ kind: "basic", user: "home.example.com", secret: "p" }];
  expect(requestCredentials(undefined, parameters, "home.example.com")).toEqual(expected);
});
