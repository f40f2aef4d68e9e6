import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { WatchedFiles } from "./watched-files.ts";

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "windhover-watch-"));
  file = join(directory, "file");
  writeFileSync(file, "one");
});

async function open(...paths: string[]) {
  let changes = 0;
  const onChange = async () => void changes++;
  const watched = await WatchedFiles.open({ paths, everyMs: 1_000, onChange });
  const look = async (times = 1) => {
    for (let time = 0; time < times; time++) await watched.look();
    return changes;
  };
  return { watched, look };
}

test("files that stay as they are are no change", async () => {
  const { look } = await open(file);
  expect(await look(3)).toBe(0);
});

test("a file counts as changed once it looks the same twice", async () => {
  const { look } = await open(file);
  writeFileSync(file, "half");
  expect(await look()).toBe(0);
  writeFileSync(file, "half and half");
  expect(await look()).toBe(0);
  expect(await look()).toBe(1);
  expect(await look(3)).toBe(1);
});

test("what was put back before anyone looked twice is no change", async () => {
  const link = join(directory, "link");
  const other = join(directory, "other");
  writeFileSync(other, "other");
  symlinkSync(file, link);
  const { look } = await open(link);
  const lead = (to: string) => {
    symlinkSync(to, `${link}.new`);
    renameSync(`${link}.new`, link);
  };
  lead(other);
  expect(await look()).toBe(0);
  lead(file);
  expect(await look(3)).toBe(0);
});

test("a file that another was renamed to is a change", async () => {
  const { look } = await open(file);
  writeFileSync(`${file}.new`, "one");
  renameSync(`${file}.new`, file);
  expect(await look(2)).toBe(1);
});

test("a link on the way that leads elsewhere is a change", async () => {
  const second = mkdtempSync(join(tmpdir(), "windhover-watch-"));
  writeFileSync(join(second, "file"), "one");
  const data = join(directory, "..data");
  symlinkSync(directory, data);
  const { look } = await open(join(data, "file"));
  symlinkSync(second, `${data}_tmp`);
  renameSync(`${data}_tmp`, data);
  expect(await look(2)).toBe(1);
});

test("a file that goes is a change, and so is one that comes", async () => {
  const { look } = await open(file);
  rmSync(file);
  expect(await look(2)).toBe(1);
  writeFileSync(file, "one");
  expect(await look(2)).toBe(2);
});

test("any of several files is a change of all", async () => {
  const second = join(directory, "second");
  const { look } = await open(file, second);
  writeFileSync(second, "");
  expect(await look(2)).toBe(1);
});

test("nobody looks while what changed is being read", async () => {
  let finish = () => {};
  let changes = 0;
  const onChange = () => {
    changes++;
    return new Promise<void>((resolve) => {
      finish = resolve;
    });
  };
  const watched = await WatchedFiles.open({ paths: [file], everyMs: 1_000, onChange });
  writeFileSync(file, "two!");
  await watched.look();
  const reading = watched.look();
  await expect.poll(() => changes).toBe(1);
  rmSync(file);
  await watched.look();
  await watched.look();
  expect(changes).toBe(1);
  finish();
  await reading;
  await watched.look();
  const again = watched.look();
  await expect.poll(() => changes).toBe(2);
  finish();
  await again;
});

test("looks by itself between start and close", async () => {
  let changes = 0;
  const onChange = async () => void changes++;
  const watched = await WatchedFiles.open({ paths: [file], everyMs: 5, onChange });
  watched.start();
  watched.start();
  writeFileSync(file, "other");
  await expect.poll(() => changes).toBe(1);
  watched.close();
  watched.close();
});
