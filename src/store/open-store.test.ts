import { expect, test } from "vitest";
import { MemoryStore } from "./memory-store.ts";
import { openExistingStore, openStore, shownLocation } from "./open-store.ts";

test("memory: is a store that forgets", async () => {
  const store = await openStore("memory:");
  expect(store).toBeInstanceOf(MemoryStore);
  await store.close();
});

test("what is no store is refused with what would be one", async () => {
  for (const location of ["", " ", "ftp://host/x", "http://h", "redis+tls://h", "memory://x"]) {
    const opening = openStore(location);
    await expect(opening).rejects.toMatchObject({ code: "bad-config" });
    await expect(openStore(location)).rejects.toThrow("give a directory, redis://host:6379/0");
  }
});

test("replicas are for Redis: a directory that is to wait for them is refused", async () => {
  const opening = openStore("/nowhere", { waitReplicas: 1 });
  await expect(opening).rejects.toMatchObject({ code: "bad-config" });
});

test("a bad Redis URL is refused before anything is connected", async () => {
  for (const location of ["redis://", "redis://h/x", "redis://h:6379/0?a=b", "redis://h:99999/"]) {
    await expect(openStore(location)).rejects.toMatchObject({ code: "bad-config" });
  }
});

test("a location is shown without its password", () => {
  expect(shownLocation("rediss://user:p@ss@host:6379/0")).toBe("rediss://…@host:6379/0");
  expect(shownLocation("redis://host:6379/0")).toBe("redis://host:6379/0");
  expect(shownLocation("./data@home")).toBe("./data@home");
});

test("a store that is to be read must be there", async () => {
  const nowhere = openExistingStore("/nowhere/at/all");
  await expect(nowhere).rejects.toThrow('there is no store in the directory "/nowhere/at/all"');
});
