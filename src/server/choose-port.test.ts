import { expect, test } from "vitest";
import { choosePort } from "./choose-port.ts";
import { type Libc, loadLibc } from "./native/libc.ts";
import { findNativeProblem } from "./native/self-test.ts";

const withoutPackage = () => loadLibc("a-package-that-is-not-installed");

async function realLibc(): Promise<Libc> {
  const loaded = await loadLibc();
  if ("problem" in loaded) throw new Error(loaded.problem);
  return loaded.libc;
}

test("on this machine the native port is chosen", async () => {
  expect(await choosePort("auto")).toMatchObject({ kind: "native" });
  expect(await choosePort("native")).toMatchObject({ kind: "native" });
});

test("who wants node:dgram gets it", async () => {
  expect(await choosePort("dgram")).toEqual({ kind: "dgram", reason: "`dns.port` says so" });
});

test("without the optional package it is node:dgram, and the reason says so", async () => {
  const choice = await choosePort("auto", withoutPackage);
  expect(choice).toMatchObject({
    kind: "dgram",
    reason: expect.stringMatching(/optional package koffi cannot be used/),
  });
  expect(choice.reason).not.toContain("\n");
});

test("who insists on the native port is told why there is none", async () => {
  await expect(choosePort("native", withoutPackage)).rejects.toMatchObject({
    code: "bad-config",
    message: expect.stringMatching(/koffi.*set it to auto/),
  });
});

test("a machine on which the calls do something else is found out", async () => {
  const libc = await realLibc();
  expect(findNativeProblem(libc)).toBeUndefined();
  const refusing = { ...libc, send: () => -1 };
  expect(findNativeProblem(refusing)).toMatch(/^sending: /);
  const silent = { ...libc, poll: () => 0, receive: () => 0 };
  expect(findNativeProblem(silent)).toBeDefined();
  const ignoring = { ...libc, setOption: () => 0 };
  expect(findNativeProblem(ignoring)).toMatch(/does not say which address was asked/);
  const load = () => Promise.resolve({ libc: refusing });
  expect(await choosePort("auto", load)).toMatchObject({ kind: "dgram" });
});
