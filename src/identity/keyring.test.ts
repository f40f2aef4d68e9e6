import { describe, expect, test } from "vitest";
import type { Logger } from "../base/log.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { parseName } from "../wire/name.ts";
import { Keyring, type KeyText } from "./keyring.ts";

function recordingLog() {
  const lines: string[] = [];
  const keep = (_: object, message: string) => void lines.push(message);
  const log: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  return { log, lines };
}

const KEY: KeyText = {
  name: "router",
  algorithm: "hmac-sha256",
  secret: "MDEyMzQ1Njc4OWFiY2RlZg==",
  grants: [{ allow: ["update"], zone: "dyn.example.com" }],
};

function setUp(store = new MemoryStore()) {
  const { log, lines } = recordingLog();
  return { store, lines, keyring: new Keyring({ store, log }) };
}

describe("keyring", () => {
  test("a key that was added is found by its name, whatever its case", async () => {
    const { keyring } = setUp();
    await keyring.add(KEY);
    const found = keyring.find(parseName("ROUTER."));
    expect(found?.principal.actor).toBe("key:router");
    expect(Buffer.from(found?.key.secret ?? []).toString()).toBe("0123456789abcdef");
  });

  test("keys outlive the keyring", async () => {
    const { store, keyring } = setUp();
    await keyring.add(KEY);
    const later = setUp(store).keyring;
    await later.load();
    expect(later.find(parseName("router"))?.principal.grants).toHaveLength(1);
  });

  test("a name is taken once", async () => {
    const { keyring } = setUp();
    await keyring.add(KEY);
    await expect(keyring.add(KEY)).rejects.toThrow("there is a TSIG key router. already");
  });

  test("the configuration wins over the store and cannot be removed here", async () => {
    const { store, keyring } = setUp();
    await keyring.add(KEY);
    const later = setUp(store).keyring;
    later.replaceConfigured([{ ...KEY, secret: "b3RoZXI=" }]);
    await later.load();
    expect(later.find(parseName("router"))?.source).toBe("configuration");
    await expect(later.remove(parseName("router"))).rejects.toThrow("configuration file");
  });

  test("the keys of the configuration are replaced as a whole, and a stored one comes to light again", async () => {
    const { keyring } = setUp();
    await keyring.add({ ...KEY, secret: "c3RvcmVkIHN0b3JlZCBzdG9yZWQ=" });
    keyring.replaceConfigured([KEY, { ...KEY, name: "other" }]);
    expect(keyring.list().map(({ source }) => source)).toEqual(["configuration", "configuration"]);
    keyring.replaceConfigured([]);
    expect(keyring.find(parseName("other"))).toBeUndefined();
    expect(keyring.find(parseName("router"))?.source).toBe("store");
  });

  test("one bad key, and the keys of before stay", () => {
    const { keyring } = setUp();
    keyring.replaceConfigured([KEY]);
    const next = [
      { ...KEY, name: "new" },
      { ...KEY, name: "bad", secret: "" },
    ];
    expect(() => keyring.replaceConfigured(next)).toThrow("TSIG key bad");
    expect(keyring.list().map(({ key }) => key.name)).toEqual([parseName("router")]);
  });

  test("a weak key is warned of once, and again when it is another", () => {
    const { keyring, lines } = setUp();
    const weak = { ...KEY, secret: "MDEyMzQ1Njc4OWFiY2Rl" };
    keyring.replaceConfigured([weak]);
    keyring.replaceConfigured([weak]);
    expect(lines).toHaveLength(1);
    keyring.replaceConfigured([{ ...weak, secret: "MDEyMzQ1Njc4OWFiY2Rm" }]);
    expect(lines).toHaveLength(2);
  });

  test("a removed key is gone, here and in the store", async () => {
    const { store, keyring } = setUp();
    await keyring.add(KEY);
    expect(await keyring.remove(parseName("router"))).toBe(true);
    expect(await keyring.remove(parseName("router"))).toBe(false);
    expect(await store.readDocuments("key")).toEqual([]);
  });

  test.each([
    [{ ...KEY, algorithm: "hmac-sha3" }, 'unknown algorithm "hmac-sha3"'],
    [{ ...KEY, secret: "not base64!" }, "not base64"],
    [{ ...KEY, secret: "" }, "not base64"],
    [{ ...KEY, secret: "==" }, "not base64"],
    [{ ...KEY, secret: "A" }, "not base64"],
    [{ ...KEY, secret: "MDEyMzQ1Njc4OWFiY2RlZgAAA" }, "not base64"],
    [{ ...KEY, grants: [{ allow: ["update" as const] }] }, "neither `zone` nor `name`"],
    [{ ...KEY, grants: [{ allow: ["update" as const], zone: "a..b" }] }, "bad `zone`"],
    [{ ...KEY, grants: [{ allow: ["update" as const], zone: "a", types: ["AAAAA"] }] }, '"AAAAA"'],
  ])("a key that cannot work is refused with the reason", (text, reason) => {
    expect(() => setUp().keyring.replaceConfigured([text])).toThrow(reason);
  });

  test("hmac-md5 works for a key that asks for it, with a warning", () => {
    const { keyring, lines } = setUp();
    keyring.replaceConfigured([{ ...KEY, algorithm: "hmac-md5" }]);
    expect(keyring.find(parseName("router"))?.key.algorithm).toBe("hmac-md5");
    expect(lines).toEqual([expect.stringContaining("hmac-md5, which is broken")]);
  });

  test("a secret of 16 octets is taken silently, one of 15 with a warning", () => {
    const { keyring, lines } = setUp();
    keyring.replaceConfigured([KEY]);
    expect(lines).toEqual([]);
    keyring.replaceConfigured([{ ...KEY, secret: "MDEyMzQ1Njc4OWFiY2Rl" }]);
    expect(lines).toEqual([expect.stringContaining("15 octets")]);
    expect(keyring.find(parseName("router"))?.key.secret.length).toBe(15);
  });

  test("a stored key that cannot be read is reported and left as it is", async () => {
    const { store, keyring, lines } = setUp();
    await store.writeDocument("key", "broken.", "{}");
    await keyring.load();
    expect(lines).toEqual([expect.stringContaining("cannot be read")]);
    expect(await store.readDocuments("key")).toEqual([{ id: "broken.", json: "{}" }]);
  });
});
