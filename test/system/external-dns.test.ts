/**
 * What external-dns does with RFC 2136, through another implementation of the wire (dnspython): lists by signed AXFR over
 * TCP, then sends its differences in batches of 50 changes, each old RR deleted by its data, each new one added, TTL 0.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { run, skipWithout } from "./harness/program.ts";
import { PYTHON, skipWithoutModule } from "./harness/python.ts";
import { Windhover } from "./harness/windhover.ts";

const CLUSTER = `k8s.${ORIGIN}`;
const BATCH = 50;

/** Reads {port, key, secret, zone, batches?: [[verb, owner, type, text]…]}; writes the zone's RRs as it finds them after. */
const CLIENT = `
import json, sys, dns.message, dns.name, dns.query, dns.rcode, dns.rdatatype, dns.tsig, dns.tsigkeyring, dns.update
told = json.load(sys.stdin)
port, zone = told["port"], told["zone"]
keyring = dns.tsigkeyring.from_text({told["key"]: told["secret"]})
signed = dict(keyring=keyring, keyalgorithm=dns.tsig.HMAC_SHA256)
rcodes = []
for batch in told.get("batches", []):
    update = dns.update.Update(zone, **signed)
    for verb, owner, rrtype, text in batch:
        name = dns.name.from_text(owner)
        if verb == "add": update.add(name, 0, rrtype, text)
        else: update.delete(name, rrtype, text)
    reply = dns.query.tcp(update, "127.0.0.1", 30, port)
    assert reply.had_tsig
    rcodes.append(dns.rcode.to_text(reply.rcode()))
records = []
for message in dns.query.xfr("127.0.0.1", zone, port=port, relativize=False, timeout=30, **signed):
    for rrset in message.answer:
        for rdata in rrset:
            records.append([rrset.name.to_text(), rrset.ttl, dns.rdatatype.to_text(rrset.rdtype), rdata.to_text()])
json.dump(dict(rcodes=rcodes, records=records), sys.stdout)
`;

type Change = readonly [verb: "add" | "delete", owner: string, rrtype: string, text: string];
type Listed = [owner: string, ttl: number, rrtype: string, text: string];

const KEYS = [
  { name: "whole", grants: [{ allow: ["update", "transfer"], zone: ORIGIN }] },
  { name: "cluster", grants: [{ allow: ["update", "transfer"], name: `*.${CLUSTER}` }] },
  { name: "deaf", grants: [{ allow: ["update"], zone: ORIGIN }] },
].map((key) => ({ ...key, algorithm: "hmac-sha256", secret: SECRET }));

describe.skipIf(skipWithout("dig") || skipWithoutModule("dns.update"))("as external-dns", () => {
  let server: Windhover;
  beforeAll(async () => {
    server = await Windhover.start({ ...EXAMPLE, config: { ...EXAMPLE.config, keys: KEYS } });
  });
  afterAll(async () => {
    await server?.stop();
  });

  function client(key: string, batches: readonly (readonly Change[])[] = []) {
    const told = { port: server.dnsPort, key, secret: SECRET, zone: ORIGIN, batches };
    return run(PYTHON, ["-c", CLIENT], { input: JSON.stringify(told), timeoutMs: 60_000 });
  }

  function synchronise(key: string, changes: readonly Change[]) {
    const batches: Change[][] = [];
    for (let at = 0; at < changes.length; at += BATCH) batches.push(changes.slice(at, at + BATCH));
    const done = client(key, batches);
    expect(done).toMatchObject({ status: 0, stderr: "" });
    return JSON.parse(done.stdout) as { rcodes: string[]; records: Listed[] };
  }

  const ownersOf = (records: readonly Listed[]) => [...new Set(records.map(([owner]) => owner))];
  const inCluster = (records: readonly Listed[]) =>
    records
      .filter(([owner]) => owner.endsWith(`.${CLUSTER}.`))
      .map((record) => record.join(" "))
      .sort();

  const HOSTS = Array.from({ length: 120 }, (_, at) => `app${at}.${CLUSTER}.`);
  const heritage = (owner: string) =>
    `"heritage=external-dns,external-dns/owner=test,external-dns/resource=service/default/${owner}"`;
  const registry = (verb: Change[0], owner: string): Change => [
    verb,
    `a-${owner}`,
    "TXT",
    heritage(owner),
  ];
  const wanted = (address: (at: number) => string) =>
    HOSTS.flatMap((owner, at) => [
      `${owner} 0 A ${address(at)}`,
      `a-${owner} 0 TXT ${heritage(owner)}`,
    ]).sort();
  const first = (at: number) => `198.51.100.${at}`;
  const second = (at: number) => `203.0.113.${at}`;

  test("the first listing is the zone as it stands", () => {
    const { records } = synchronise("whole", []);
    expect(records[0]?.[2]).toBe("SOA");
    expect(records.at(-1)).toEqual(records[0]);
    expect(inCluster(records)).toEqual([]);
    expect(records).toContainEqual([`home.${ORIGIN}.`, 60, "A", "192.0.2.1"]);
  });

  test("creates 120 hosts with their ownership records; one serial step a batch", () => {
    const serial = () => Number(server.dig(ORIGIN, "SOA")[0]?.split(" ")[2]);
    const before = serial();
    const adds = HOSTS.flatMap((owner, at): Change[] => [
      ["add", owner, "A", first(at)],
      registry("add", owner),
    ]);
    const { rcodes, records } = synchronise("cluster", adds);
    expect(rcodes).toEqual(Array(5).fill("NOERROR"));
    expect(serial()).toBe(before + 5);
    expect(inCluster(records)).toEqual(wanted(first));
  });

  test("changes every address by deleting the old RR and adding the new in one message", () => {
    const changes = HOSTS.flatMap((owner, at): Change[] => [
      ["delete", owner, "A", first(at)],
      ["add", owner, "A", second(at)],
    ]);
    const { rcodes, records } = synchronise("cluster", changes);
    expect(rcodes).toEqual(Array(5).fill("NOERROR"));
    expect(inCluster(records)).toEqual(wanted(second));
    expect(server.dig(HOSTS[7] as string, "A")).toEqual([second(7)]);
  });

  test("a key for the cluster's names lists those and no others", () => {
    const mine = synchronise("cluster", []).records;
    expect(ownersOf(mine).filter((owner) => !owner.endsWith(`.${CLUSTER}.`))).toEqual([
      `${ORIGIN}.`,
    ]);
    const all = synchronise("whole", []).records;
    expect(ownersOf(all)).toContain(`home.${ORIGIN}.`);
    expect(inCluster(mine)).toEqual(inCluster(all));
  });

  test("one change out of its names fails the batch it is in, whole, and no other", () => {
    const good = (label: string): Change => ["add", `${label}.${CLUSTER}.`, "A", "192.0.2.9"];
    const filler = Array.from({ length: BATCH - 1 }, (_, at) => good(`filler${at}`));
    const stray: Change = ["add", `stray.${ORIGIN}.`, "A", "192.0.2.9"];
    const { rcodes, records } = synchronise("cluster", [...filler, stray, good("after")]);
    expect(rcodes).toEqual(["REFUSED", "NOERROR"]);
    const owners = ownersOf(records);
    expect(owners).toContain(`after.${CLUSTER}.`);
    expect(owners).not.toContain(`filler0.${CLUSTER}.`);
    expect(owners).not.toContain(`stray.${ORIGIN}.`);
  });

  test("deletes what it owns, each RR by its data; deleting again is no error", () => {
    const deletes = HOSTS.flatMap((owner, at): Change[] => [
      ["delete", owner, "A", second(at)],
      registry("delete", owner),
    ]);
    for (const _ of ["first", "again"]) {
      const { rcodes, records } = synchronise("cluster", deletes);
      expect(rcodes).toEqual(Array(5).fill("NOERROR"));
      expect(inCluster(records)).toEqual([`after.${CLUSTER}. 0 A 192.0.2.9`]);
    }
  });

  test("a key without the right to transfer is refused its listing", () => {
    expect(client("deaf").stderr).toContain("REFUSED");
  });
});
