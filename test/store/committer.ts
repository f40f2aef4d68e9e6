/**
 * A process to be killed. `committer <store> commit <zones>` goes on committing to its zones for ever and prints a line
 * for every acknowledged commit: `ack <zone> <sequence>`. `committer <store> create` goes on making one zone that has
 * no end. `committer <store> open` opens the store, prints `open` and waits. An error is printed: `error <code> <text>`.
 */
import { writeSync } from "node:fs";
import { openStore } from "../../src/store/open-store.ts";
import type { Store, ZoneVersion } from "../../src/store/store.ts";
import { type Name, parseName } from "../../src/wire/name.ts";
import { creation, end, host, hosts, makeCommit, put, text } from "./zone-samples.ts";

/** Waits until the line is out: a stream would keep lines that nobody reads yet, and lose them when it is killed. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

export function committedZone(at: number): Name {
  return parseName(`zone${at}.example.`);
}

/** What commit number `sequence` leaves behind: the RRset says which one it was. */
export function committedRRset(origin: Name, sequence: number) {
  const rdata = new Uint8Array(200);
  new DataView(rdata.buffer).setUint32(0, sequence);
  return text(host("last", origin), rdata);
}

async function commitForever(store: Store, at: number): Promise<never> {
  const origin = committedZone(at);
  const known = (await store.listZones()).find((zone) => Buffer.compare(zone.origin, origin) === 0);
  if (known === undefined) await store.createZone(creation(origin), []);
  let expected: ZoneVersion = known ?? { serial: 1, sequence: 1 };
  for (;;) {
    const sequence = expected.sequence + 1;
    const mine = committedRRset(origin, sequence);
    const only = committedRRset(host(`n${sequence % 50}`, origin), sequence);
    const old = committedRRset(host(`n${(sequence + 25) % 50}`, origin), sequence);
    const commit = makeCommit(origin, expected, [put(mine), put(only), end(old)]);
    const outcome = await store.commit(commit);
    if (outcome.status !== "committed") throw new Error("somebody else commits here");
    expected = commit.next;
    say(`ack ${at} ${expected.sequence}`);
  }
}

async function createForever(store: Store): Promise<void> {
  const origin = parseName("endless.example.");
  function* endless() {
    let made = 0;
    for (const rrset of hosts(origin, 100_000_000)) {
      if (made++ === 50_000) say("filling");
      yield rrset;
    }
  }
  await store.createZone(creation(origin), endless());
}

async function main([location = "", task = "", zones = "1"]: readonly string[]): Promise<void> {
  const store = await openStore(location);
  if (task === "create") await createForever(store);
  if (task === "commit") {
    await Promise.all(Array.from({ length: Number(zones) }, (_, at) => commitForever(store, at)));
  }
  say("open");
  setInterval(() => {}, 1_000);
}

if (process.argv[1] !== undefined && import.meta.url.endsWith("/committer.js")) {
  main(process.argv.slice(2)).catch((error: { code?: string; message: string }) => {
    say(`error ${error.code} ${error.message}`);
    process.exit(1);
  });
}
