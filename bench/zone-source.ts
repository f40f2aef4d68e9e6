/** The zone and the questions of a run: `count` hosts with one A record each; hits, NODATA and NXDOMAIN mixed. */
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";

export const ORIGIN = "bench.example.com";

export const hostName = (index: number) => `h${index.toString(36).padStart(5, "0")}`;

export function writeZoneFile(path: string, count: number): void {
  const file = openSync(path, "w");
  writeSync(
    file,
    `$ORIGIN ${ORIGIN}.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 86400 60\n@ IN NS ns1\nns1 IN A 127.0.0.1\n`,
  );
  let lines = "";
  for (let index = 0; index < count; index++) {
    const address = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
    lines += `${hostName(index)} IN A ${address}\n`;
    if (lines.length > 1 << 20) {
      writeSync(file, lines);
      lines = "";
    }
  }
  writeSync(file, lines);
  closeSync(file);
}

/** In dnsperf's form. Seeded, so that every server and every run is asked the same. */
export function writeQuestionFile(path: string, count: number, questions = 100_000): void {
  const next = seededNumbers(42);
  const lines: string[] = [];
  for (let at = 0; at < questions; at++) {
    const host = hostName(Math.floor(next() * count));
    const share = at % 10;
    if (share < 8) lines.push(`${host}.${ORIGIN} A`);
    else if (share === 8) lines.push(`${host}.${ORIGIN} AAAA`);
    else lines.push(`no${host}.${ORIGIN} A`);
  }
  writeFileSync(path, `${lines.join("\n")}\n`);
}

/** mulberry32: small, fast, and the same on every machine. */
function seededNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
