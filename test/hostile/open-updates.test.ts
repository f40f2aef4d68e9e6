/** Class 13: no configuration, and nothing in a store, makes a change possible to who proves nothing. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLogger } from "../../src/base/log.ts";
import { ConfigText } from "../../src/config/schema.ts";
import { Accounts } from "../../src/identity/accounts.ts";
import { Keyring } from "../../src/identity/keyring.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { checkPolicy } from "../../src/update/policy.ts";
import { Rcode } from "../../src/wire/code-points.ts";
import { ROOT } from "../../src/wire/name.ts";
import { ZoneMap } from "../../src/zone/zone-map.ts";
import { standingClock } from "../update/fakes.ts";
import {
  add,
  deleteName,
  deleteRRset,
  exampleZone,
  ORIGIN,
  replace,
} from "../update/zone-fixtures.ts";

const log = createLogger("silent");
const ZONE = new ZoneMap(ORIGIN, exampleZone());

/** As the dispatcher and the doors make it of who proved nothing. */
const NOBODY = { actor: "anonymous", grants: [], isOperator: false };

function keyring() {
  return new Keyring({ store: new MemoryStore(), log });
}

function accounts() {
  return new Accounts({ store: new MemoryStore(), clock: standingClock, log });
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

function* keysOf(schema: SchemaNode, path: string): Generator<string> {
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    yield `${path}${key}`;
    yield* keysOf(child, `${path}${key}.`);
  }
  if (schema.items !== undefined) yield* keysOf(schema.items, path);
}

describe("the configuration", () => {
  test("gives permission in one form only: grants of a key or of a user", () => {
    const giving = /allow|grant|open|trust|anonym|auth|acl|secur|permit|update|policy/i;
    const found = [...keysOf(ConfigText as SchemaNode, "")].filter((key) => giving.test(key));
    // X-Forwarded-For of a trusted proxy says where a client is, never who it is.
    expect(found.sort()).toEqual([
      "http.trustedProxies",
      "keys.grants",
      "keys.grants.allow",
      "keys.grants.name",
      "keys.grants.types",
      "keys.grants.zone",
      "users.grants",
      "users.grants.allow",
      "users.grants.name",
      "users.grants.types",
      "users.grants.zone",
    ]);
  });

  const grants = [{ allow: ["update" as const], zone: "." }];
  const key = { name: "k", algorithm: "hmac-sha256", secret: "MDEyMzQ1Njc4OWFiY2RlZg==", grants };

  test.each(["", "=", "==", "A", "A=", " ", "====", "-", "\u0000"])(
    "has no key that signs with nothing: secret %j",
    (secret) => {
      expect(() => keyring().replaceConfigured([{ ...key, secret }])).toThrow();
    },
  );

  test.each(["", "none", "hmac-", "gss-tsig", "hmac-sha256-0", "HMAC-NULL"])(
    "has no key without an algorithm: %j",
    (algorithm) => {
      expect(() => keyring().replaceConfigured([{ ...key, algorithm }])).toThrow();
    },
  );

  test("has no user without a password or a token", () => {
    expect(() => accounts().replaceConfigured([{ name: "u", grants }])).toThrow();
    expect(() => accounts().replaceConfigured([{ name: "u", password: "", grants }])).toThrow();
    expect(() =>
      accounts().replaceConfigured([{ name: "u", password: "plain", grants }]),
    ).toThrow();
  });
});

describe("nobody", () => {
  test.each(["", ":", "u", "\u0000", "undefined", "null", "anonymous", " "])(
    "is who comes with %j, whoever may do everything",
    async (text) => {
      const known = accounts();
      known.replaceConfigured([
        {
          name: "u",
          token: "a-token-long-enough-to-stand-alone",
          grants: [{ allow: ["update"], zone: "." }],
        },
      ]);
      expect(known.verifyToken(text)).toBeUndefined();
      expect(await known.verifyBasic(text, "")).toBeUndefined();
      expect(await known.verifyBasic("u", text)).toBeUndefined();
      expect(await known.verifyBasic(text, text)).toBeUndefined();
    },
  );

  test("is granted no operation whatever, with any number of keys for others", () => {
    const operations = [
      add("home", 60, "A", "192.0.2.9"),
      add("@", 60, "NS", "evil"),
      deleteName("home"),
      deleteName("no-such"),
      deleteRRset("home", "A"),
      replace("home", 60, "A", "192.0.2.9"),
      replace("home", 60, "A"),
    ];
    fc.assert(
      fc.property(fc.subarray(operations, { minLength: 0 }), (asked) => {
        expect(checkPolicy(ZONE, NOBODY, asked)).toMatchObject({
          rcode: Rcode.refused,
          reason: "no-grant",
        });
      }),
    );
  });

  test("has no key of the root's name, nor of any other that was not made", () => {
    const known = keyring();
    known.replaceConfigured([
      {
        name: "k",
        algorithm: "hmac-sha256",
        secret: "MDEyMzQ1Njc4OWFiY2RlZg==",
        grants: [],
      },
    ]);
    expect(known.find(ROOT)).toBeUndefined();
    expect(known.find(ORIGIN)).toBeUndefined();
  });
});
