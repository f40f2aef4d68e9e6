/**
 * Golden packets: real messages and what they say.
 *
 *     # where the octets come from
 *     @no-rewrite                          their writer compresses otherwise than ours
 *     @key name algorithm base64           the key of its TSIG
 *     @now seconds                         when it was verified
 *     @request hex                         the MAC of the request, for an answer
 *     1234 0100 …                          the octets, grouped anyhow
 *     ---
 *     expected text                        of `formatMessage`
 */
import { readdirSync, readFileSync } from "node:fs";
import { fromHex } from "../../src/base/bytes.ts";
import { parseName } from "../../src/wire/name.ts";
import { parseTsigAlgorithm, type TsigKey } from "../../src/wire/tsig.ts";

export interface Packet {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly isRewritten: boolean;
  readonly key?: TsigKey;
  readonly nowSeconds: number;
  readonly requestMac?: Uint8Array;
}

const FOLDER = new URL(".", import.meta.url);

export function readPackets(): Packet[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".packet"));
  return files.sort().map((file) => parsePacket(file, readFileSync(new URL(file, FOLDER), "utf8")));
}

export function parsePacket(name: string, file: string): Packet {
  const [head, text] = file.split(/^---\n/m);
  if (head === undefined || text === undefined) throw new Error(`${name}: there is no line "---"`);
  const lines = head.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const marks = new Map(lines.filter((line) => line.startsWith("@")).map(splitMark));
  const bytes = fromHex(lines.filter((line) => !line.startsWith("@")).join(""));
  if (bytes === undefined) throw new Error(`${name}: the octets are not hex`);
  const requestMac = fromHex(marks.get("request") ?? "");
  const key = marks.get("key");
  return {
    name,
    bytes,
    text,
    isRewritten: !marks.has("no-rewrite"),
    nowSeconds: Number(marks.get("now") ?? Number.NaN),
    ...(key === undefined ? {} : { key: parseKey(name, key) }),
    ...(requestMac === undefined || requestMac.length === 0 ? {} : { requestMac }),
  };
}

function splitMark(line: string): [string, string] {
  const space = line.indexOf(" ");
  return space < 0 ? [line.slice(1), ""] : [line.slice(1, space), line.slice(space + 1)];
}

function parseKey(file: string, text: string): TsigKey {
  const [name = "", algorithmText = "", secret = ""] = text.split(" ");
  const algorithm = parseTsigAlgorithm(algorithmText);
  if (algorithm === undefined) throw new Error(`${file}: unknown algorithm ${algorithmText}`);
  return {
    name: parseName(name),
    algorithm,
    secret: new Uint8Array(Buffer.from(secret, "base64")),
  };
}
