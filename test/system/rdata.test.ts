/** Rdata in text as BIND reads it: the same octets, from the text that people write and from ours. */
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { parseName } from "../../src/wire/name.ts";
import { canonicalRdata, parseRdata } from "../../src/wire/rdata.ts";
import { parseType } from "../../src/wire/rr-types.ts";
import { tokenize } from "../../src/wire/token.ts";
import { RDATA_TEXTS } from "../rdata-texts.ts";
import { run, skipWithout } from "./harness/program.ts";

const ORIGIN = "example.com.";

/** What BIND 9.18 does not read, or reads otherwise. */
const NOT_BINDS: ReadonlySet<string> = new Set([
  // RFC 1035 §5.1: a contiguous set of characters is one string; for BIND a quote begins another.
  'TXT k="v"',
  "LOC 0 S 180 e 0",
  // RFC 7218 §2
  "TLSA DANE-EE SPKI SHA2-256 00",
  "SMIMEA PrivCert PrivSel PrivMatch 00",
  // RFC 8078 §4
  "CDNSKEY 0 3 DELETE AA==",
  // RFC 4025 §2.6: there may be no key.
  "IPSECKEY 10 0 0 .",
  "NSEC3 1 0 0 - Vo TYPE1",
  "CLA TCP-v4-v6",
  "IPN 18446744073709551615",
  "SVCB 1 . dohpath=/dns-query{?dns} ohttp",
]);

/** BIND keeps the case of names, which is ours to lower. */
function bindsOctets(mnemonic: string, text: string): string {
  const input = `IN ${mnemonic} ${text}\n`;
  const { stdout, stderr } = run("named-rrchecker", ["-o", ORIGIN, "-u"], { input });
  const [, hex] = /\\# \d+ ?([0-9A-F ]*)/.exec(stdout) ?? [];
  const octets = fromHex(hex?.replaceAll(" ", "") ?? "");
  if (hex === undefined || octets === undefined) return stderr.trim();
  return toHex(canonicalRdata(parseType(mnemonic) as number, octets));
}

describe.skipIf(skipWithout("named-rrchecker"))("rdata in text, as BIND reads it", () => {
  const texts = RDATA_TEXTS.filter(([mnemonic, text]) => !NOT_BINDS.has(`${mnemonic} ${text}`));

  test.each(texts)("%s %s", (mnemonic, written, formatted) => {
    const tokens = tokenize(written);
    const ours = toHex(parseRdata(parseType(mnemonic) as number, tokens, parseName(ORIGIN)));
    const theirs = [written, formatted].map((text) => bindsOctets(mnemonic, text));
    expect(theirs).toEqual([ours, ours]);
  });
});
