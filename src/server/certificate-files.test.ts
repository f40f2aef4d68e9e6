import { copyFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { makeCertificate, type TestCertificate } from "../../test/server/certificates.ts";
import { listLogger } from "../../test/update/fakes.ts";
import { systemClock } from "../base/clock.ts";
import { Limits } from "../base/limits.ts";
import { CertificateFiles, type CertificatePair } from "./certificate-files.ts";

let good: TestCertificate;
let other: TestCertificate;
beforeAll(() => {
  good = makeCertificate("good.example");
  other = makeCertificate("other.example");
});

let files: CertificateFiles | undefined;
let paths: TestCertificate;
beforeEach(() => {
  paths = makeCertificate("unused.example");
  copyFileSync(good.certificate, paths.certificate);
  copyFileSync(good.key, paths.key);
});
afterEach(() => {
  files?.close();
  files = undefined;
});

async function open(clock = systemClock) {
  const log = listLogger();
  files = await CertificateFiles.open({ paths, clock, log });
  const pairs: CertificatePair[] = [];
  files.watch((pair) => pairs.push(pair));
  return { files, log, pairs };
}

/** Files count as changed when they look the same twice. */
async function settle(opened: CertificateFiles): Promise<void> {
  await opened.look();
  await opened.look();
}

const warnings = (log: ReturnType<typeof listLogger>) =>
  log.lines.filter(({ level }) => level !== "info").map(({ message }) => message);

test("a good pair is in use, and the log says which", async () => {
  const { files: opened, log } = await open();
  expect(opened.pair.cert.toString()).toContain("BEGIN CERTIFICATE");
  expect(log.lines).toMatchObject([
    { level: "info", fields: { names: expect.stringContaining("DNS:good.example") } },
  ]);
});

test.each([
  ["a certificate that is not there", () => rmSync(paths.certificate), "cert.pem cannot be read"],
  ["a key that is not there", () => rmSync(paths.key), "key.pem cannot be read"],
  [
    "no certificate",
    () => writeFileSync(paths.certificate, ""),
    "does not begin with a certificate",
  ],
  ["no key", () => writeFileSync(paths.key, "x"), "does not begin with a private key"],
  [
    "a key in the certificate's place",
    () => copyFileSync(good.key, paths.certificate),
    "a certificate",
  ],
  ["another's key", () => copyFileSync(other.key, paths.key), "is not the key of the certificate"],
  [
    "a file past the bound",
    () => writeFileSync(paths.key, Buffer.alloc(Limits.certificateBytes + 1, 0x20)),
    `more than ${Limits.certificateBytes} octets`,
  ],
])("%s is told at start", async (_, spoil, problem) => {
  spoil();
  await expect(open()).rejects.toThrow(problem);
});

test("a file as long as the bound is read", async () => {
  const text = Buffer.alloc(Limits.certificateBytes, 0x0a);
  (await open()).files.pair.key.copy(text);
  writeFileSync(paths.key, text);
  files?.close();
  const { files: opened } = await open();
  expect(opened.pair.key).toHaveLength(Limits.certificateBytes);
});

test("an expired certificate is used and warned about", async () => {
  const { log } = await open({ ...systemClock, nowMs: () => Date.parse("2099-01-01") });
  expect(warnings(log)).toEqual(["the certificate has expired"]);
});

test("files that stay as they are are not read again", async () => {
  const { files: opened, pairs, log } = await open();
  await settle(opened);
  await settle(opened);
  expect(pairs).toEqual([]);
  expect(log.lines).toHaveLength(1);
});

test("what is broken is told once and the old pair stays", async () => {
  const { files: opened, pairs, log } = await open();
  const before = opened.pair;
  writeFileSync(paths.certificate, "broken");
  await settle(opened);
  await settle(opened);
  rmSync(paths.certificate);
  await settle(opened);
  expect(opened.pair).toBe(before);
  expect(pairs).toEqual([]);
  expect(warnings(log)).toEqual([
    "the new certificate cannot be used; the old one stays",
    "the new certificate cannot be used; the old one stays",
  ]);
  copyFileSync(other.certificate, paths.certificate);
  copyFileSync(other.key, paths.key);
  await settle(opened);
  expect(pairs).toHaveLength(1);
  expect(opened.pair).toBe(pairs[0]);
});

test("a link that is led elsewhere is a change", async () => {
  for (const [from, to] of [
    [good.certificate, paths.certificate],
    [good.key, paths.key],
  ] as const) {
    rmSync(to);
    symlinkSync(from, to);
  }
  const { files: opened, pairs } = await open();
  for (const [from, to] of [
    [other.certificate, paths.certificate],
    [other.key, paths.key],
  ] as const) {
    rmSync(to);
    symlinkSync(from, to);
  }
  await settle(opened);
  expect(pairs).toHaveLength(1);
});

test("a pair of which one half is new already is waited for", async () => {
  const { files: opened, pairs, log } = await open();
  copyFileSync(other.certificate, paths.certificate);
  await opened.look();
  copyFileSync(other.key, paths.key);
  await settle(opened);
  expect(pairs).toHaveLength(1);
  expect(warnings(log)).toEqual([]);
});

test("other files take the place of those before, and are looked at from then on", async () => {
  const { files: opened, pairs } = await open();
  const elsewhere = makeCertificate("elsewhere.example");
  const use = await opened.prepare(elsewhere);
  expect(pairs).toEqual([]);
  use();
  expect(pairs).toEqual([opened.pair]);
  copyFileSync(other.certificate, paths.certificate);
  copyFileSync(other.key, paths.key);
  await settle(opened);
  expect(pairs).toHaveLength(1);
  copyFileSync(good.certificate, elsewhere.certificate);
  copyFileSync(good.key, elsewhere.key);
  await settle(opened);
  expect(pairs).toHaveLength(2);
});

test("the same files again are read at once, and told of when they are others", async () => {
  const { files: opened, pairs } = await open();
  (await opened.prepare(paths))();
  expect(pairs).toEqual([]);
  copyFileSync(other.certificate, paths.certificate);
  copyFileSync(other.key, paths.key);
  (await opened.prepare(paths))();
  expect(pairs).toHaveLength(1);
});

test("other files that cannot be used change nothing", async () => {
  const { files: opened, pairs } = await open();
  const mixed = { certificate: good.certificate, key: other.key };
  await expect(opened.prepare(mixed)).rejects.toThrow("is not the key of the certificate");
  expect(pairs).toEqual([]);
});

test("once closed nobody is told any more", async () => {
  const { files: opened, pairs } = await open();
  opened.close();
  copyFileSync(other.certificate, paths.certificate);
  copyFileSync(other.key, paths.key);
  await settle(opened);
  expect(pairs).toEqual([]);
});
