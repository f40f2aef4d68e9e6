/** Two nodes on one store: what one adds or revokes, the other knows. */
import { describe, expect, test } from "vitest";
import { listLogger, standingClock, until } from "../../test/update/fakes.ts";
import { Accounts } from "../identity/accounts.ts";
import { Keyring } from "../identity/keyring.ts";
import { createMemoryState, type MemoryState, MemoryStore } from "../store/memory-store.ts";
import { parseName } from "../wire/name.ts";
import { followIdentities } from "./identity-follower.ts";

const KEY = { name: "router.", algorithm: "hmac-sha256", secret: "A".repeat(44), grants: [] };

async function node(state: MemoryState) {
  const store = new MemoryStore(state);
  const log = listLogger();
  const keyring = new Keyring({ store, log });
  const accounts = new Accounts({ store, clock: standingClock, log });
  const stop = followIdentities({ store, keyring, accounts, log });
  await keyring.load();
  await accounts.load();
  return { store, log, keyring, accounts, stop };
}

async function twoNodes() {
  const state = createMemoryState();
  return { a: await node(state), b: await node(state) };
}

describe("credentials of another node", () => {
  test("tokens are known and refused as soon as it has them or revokes them", async () => {
    const { a, b } = await twoNodes();
    const token = await a.accounts.addToken({ label: "x", grants: [] });
    await until(() => b.accounts.verifyToken(token.secret) !== undefined);
    await a.accounts.revokeToken(token.id);
    await until(() => b.accounts.verifyToken(token.secret) === undefined);
    expect(b.accounts.listTokens()).toEqual([]);
  });

  test("so are keys", async () => {
    const { a, b } = await twoNodes();
    await a.keyring.add(KEY);
    await until(() => b.keyring.find(parseName("router.")) !== undefined);
    await b.keyring.remove(parseName("router."));
    await until(() => a.keyring.find(parseName("router.")) === undefined);
  });

  test("a key of the configuration stays, whatever the store loses", async () => {
    const { a, b } = await twoNodes();
    await a.keyring.add(KEY);
    await until(() => b.keyring.list().length === 1);
    b.keyring.replaceConfigured([KEY]);
    await a.keyring.remove(parseName("router."));
    await until(() => a.keyring.list().length === 0);
    expect(b.keyring.find(parseName("router."))?.source).toBe("configuration");
  });

  test("a store that cannot be read is asked again, until it answers", async () => {
    const { a, b } = await twoNodes();
    const readDocuments = b.store.readDocuments.bind(b.store);
    let failures = 1;
    b.store.readDocuments = async (kind) => {
      if (failures-- > 0) throw new Error("connection lost");
      return readDocuments(kind);
    };
    const token = await a.accounts.addToken({ label: "x", grants: [] });
    const isKnown = () => b.accounts.verifyToken(token.secret) !== undefined;
    for (let step = 0; step < 1_000 && !isKnown(); step++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(isKnown()).toBe(true);
    expect(b.log.lines.map(({ level }) => level)).toContain("warn");
  });

  test("after the stop nothing is read any more", async () => {
    const { a, b } = await twoNodes();
    b.stop();
    const token = await a.accounts.addToken({ label: "x", grants: [] });
    await a.accounts.load();
    expect(b.accounts.verifyToken(token.secret)).toBeUndefined();
  });
});

test("a load that began before a write of ours ended does not lose what was written", async () => {
  const { a } = await twoNodes();
  const readDocuments = a.store.readDocuments.bind(a.store);
  let meanwhile: (() => Promise<unknown>) | undefined = () => a.keyring.add(KEY);
  a.store.readDocuments = async (kind) => {
    const before = await readDocuments(kind);
    const task = meanwhile;
    meanwhile = undefined;
    await task?.();
    return before;
  };
  await a.keyring.load();
  expect(a.keyring.find(parseName("router."))).toBeDefined();
});
