/**
 * What can go wrong with a Redis under two running nodes, one fault after the other. All the while queries keep their
 * right answer and no serial goes back; an update is taken or refused with the reason, readiness and metrics say which;
 * and when the fault is gone, both take updates and are equal without a hand. docs/faults.md shows the table.
 */
import { cpSync, rmSync } from "node:fs";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportZones, Fleet, type Node } from "../nodes/fleet.ts";
import { ORIGINS, USER } from "../nodes/fleet-config.ts";
import { addressAt, QueryWatch } from "../nodes/query-watch.ts";
import { type RedisServer, startRedisServer } from "../store/redis-server.ts";
import { skipWithout, until } from "./harness/program.ts";

const [ORIGIN] = ORIGINS;
const HOME = `home.${ORIGIN}`;
const PORTS = [15_750, 15_790] as const;
const BOUND_MS = 60_000;

interface Setting {
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  readonly fleet: Fleet;
  /** Takes an update that the Redis before the fault has and the one after it has not. */
  change(): Promise<string>;
  /** Sends commands to the primary. */
  ask(...command: string[]): Promise<void>;
}

interface Fault {
  readonly name: string;
  /** Makes it so. */
  readonly begin: (setting: Setting) => Promise<void>;
  /** What updates are refused with meanwhile, as log and readiness say it; none where they are taken. */
  readonly refused?: RegExp;
  readonly end?: (setting: Setting) => Promise<void>;
  /** Acknowledged changes are gone: told, and offered back. */
  readonly loses?: boolean;
  /** The nodes that it hits; all unless it says so. */
  readonly hits?: (fleet: Fleet) => readonly Node[];
}

const first = ({ nodes }: Fleet) => nodes.slice(0, 1);
const links = ({ fleet }: Setting) => fleet.nodes.map(({ link }) => link);

const FAULTS: readonly Fault[] = [
  {
    name: "slow",
    begin: async (setting) => {
      for (const link of links(setting)) link.set({ kind: "slow", delayMs: 300 });
    },
    end: async (setting) => {
      for (const link of links(setting)) link.heal();
    },
  },
  {
    name: "killed and started again",
    begin: ({ primary }) => primary.kill(),
    refused: /ECONNREFUSED|connection (was closed|is lost)|not connected/,
    end: ({ primary }) => primary.start(),
  },
  {
    name: "one node cut off",
    begin: async ({ fleet }) => fleet.nodes[0]?.link.set({ kind: "cut" }),
    refused: /ECONNRESET|connection (was closed|is lost)|not connected/,
    end: async ({ fleet }) => fleet.nodes[0]?.link.heal(),
    hits: first,
  },
  {
    name: "one node's cable pulled",
    begin: async ({ fleet }) => fleet.nodes[0]?.link.set({ kind: "silent" }),
    refused: /timed out|not connected|connection (was closed|is lost)/,
    end: async ({ fleet }) => fleet.nodes[0]?.link.heal(),
    hits: first,
  },
  {
    name: "out of memory",
    begin: ({ ask }) => ask("CONFIG", "SET", "maxmemory", "1mb"),
    refused: /the memory of Redis is full/,
    end: ({ ask }) => ask("CONFIG", "SET", "maxmemory", "0"),
  },
  {
    name: "read-only",
    begin: async ({ ask, replica }) => ask("REPLICAOF", "127.0.0.1", String(replica.port)),
    refused: /read-only replica/,
    end: async ({ ask, replica, primary }) => {
      await ask("REPLICAOF", "NO", "ONE");
      await demote(replica, primary);
    },
  },
  {
    name: "too few replicas",
    begin: ({ ask }) => ask("CONFIG", "SET", "min-replicas-to-write", "2"),
    refused: /fewer replicas are connected/,
    end: ({ ask }) => ask("CONFIG", "SET", "min-replicas-to-write", "0"),
  },
  {
    name: "restarted empty",
    begin: async ({ primary }) => {
      await primary.kill();
      rmSync(`${primary.directory}/appendonlydir`, { recursive: true });
      await primary.start();
    },
  },
  {
    name: "restored from an old snapshot",
    begin: async ({ primary, change }) => {
      const [files, old] = [`${primary.directory}/appendonlydir`, `${primary.directory}/old`];
      await primary.stop();
      cpSync(files, old, { recursive: true });
      await primary.start();
      await change();
      await primary.kill();
      rmSync(files, { recursive: true });
      cpSync(old, files, { recursive: true });
      await primary.start();
    },
    loses: true,
  },
  {
    name: "failed over to a stale replica",
    begin: async (setting) => {
      const { replica, change } = setting;
      await inStep(replica);
      await demote(replica, undefined);
      await change();
      for (const link of links(setting)) link.move(replica.port);
    },
    loses: true,
  },
];

describe.skipIf(skipWithout("redis-server"))("two nodes and a Redis that is", () => {
  let setting: Setting;
  let watches: QueryWatch[];
  let number = 0;

  beforeAll(async () => {
    const server = { ports: PORTS, appendonly: true, appendfsync: "always" } as const;
    const primary = await startRedisServer(server);
    const replica = await startRedisServer(server);
    await demote(replica, primary);
    await inStep(replica);
    const shared = { url: primary.url, ports: [primary.port], waitReplicas: 0 };
    const fleet = await Fleet.start(shared, 2);
    watches = fleet.nodes.map(({ name, server }) => new QueryWatch(name, server.dnsPort));
    const change = () => acknowledged(fleet.nodes);
    const ask = (...command: string[]) => tell(primary, ...command);
    setting = { primary, replica, fleet, change, ask };
  });

  afterAll(async () => {
    for (const watch of watches ?? []) await watch.stop();
    await setting?.fleet.stop();
    await setting?.replica.destroy();
    await setting?.primary.destroy();
  });

  /** What the dyndns2 door says to the next address of a host. */
  async function update({ server }: Node): Promise<{ reply: string; address: string }> {
    const address = `10.0.${++number >> 8}.${number & 255}`;
    const authorization = `Basic ${Buffer.from(`${USER.name}:${USER.token}`).toString("base64")}`;
    const path = `/nic/update?hostname=${HOME}&myip=${address}`;
    const response = await fetch(server.url(path), { headers: { authorization } });
    return { reply: (await response.text()).trim(), address };
  }

  /** Each of them takes an update, and all show the last: its address. */
  async function acknowledged(nodes: readonly Node[]): Promise<string> {
    let last = "";
    for (const node of nodes) {
      await until(
        `${node.name} to take updates`,
        async () => {
          const { reply, address } = await update(node);
          last = address;
          return reply.startsWith("good");
        },
        BOUND_MS,
      );
    }
    await until("both to show it", () => isShown(last), BOUND_MS);
    return last;
  }

  async function isShown(address: string): Promise<boolean> {
    const ports = setting.fleet.nodes.map(({ server }) => server.dnsPort);
    const shown = await Promise.all(ports.map((port) => addressAt(port, HOME)));
    return shown.every((each) => each === address);
  }

  async function readiness({ server }: Node): Promise<{ status: number; text: string }> {
    const response = await fetch(server.url("/readyz"));
    return { status: response.status, text: await response.text() };
  }

  const metrics = async ({ server }: Node) => (await fetch(server.url("/metrics"))).text();

  async function refusesWithReason(node: Node, reason: RegExp): Promise<void> {
    await until(
      `${node.name} to refuse`,
      async () => (await update(node)).reply === "911",
      BOUND_MS,
    );
    const told = await readiness(node);
    expect(told).toMatchObject({ status: 503, text: expect.stringMatching(reason) });
    expect(await metrics(node)).toContain("windhover_store_up 0");
    expect(node.server.output).toMatch(reason);
  }

  async function isReady(node: Node): Promise<boolean> {
    return (
      (await readiness(node)).status === 200 &&
      (await metrics(node)).includes("windhover_store_up 1")
    );
  }

  /** It is the only host that changes: the last address that was acknowledged is the one to come back. */
  async function isOffered(node: Node, lost: string): Promise<void> {
    const command = `windhover zone recover ${ORIGIN}`;
    await until(
      "the loss to be told",
      async () => (await readiness(node)).text.includes(command),
      BOUND_MS,
    );
    expect((await readiness(node)).status).toBe(200);
    expect(await metrics(node)).toMatch(/windhover_lost_rrsets [1-9]/);
    const recovered = await node.server.cliAsync("zone", "recover", ORIGIN);
    expect(recovered.stdout).toContain(lost);
    await until("both to have it again", () => isShown(lost), BOUND_MS);
  }

  test.each(FAULTS)("$name", async (fault) => {
    const { fleet } = setting;
    const { begin, end } = fault;
    const before = await acknowledged(fleet.nodes);
    await begin(setting);
    try {
      await isAsExpected(fault, before);
    } finally {
      await end?.(setting);
    }
    for (const node of fleet.nodes) {
      await until(`${node.name} to be ready`, () => isReady(node), BOUND_MS);
    }
    await acknowledged(fleet.nodes);
    const [here, there] = await Promise.all(fleet.nodes.map(exportZones));
    expect(here).toEqual(there);
    expect(watches.flatMap(({ complaints }) => complaints)).toEqual([]);
  });

  /** While it lasts. */
  async function isAsExpected({ refused, loses, hits }: Fault, before: string): Promise<void> {
    const { fleet } = setting;
    if (refused !== undefined) {
      for (const node of hits?.(fleet) ?? fleet.nodes) await refusesWithReason(node, refused);
    } else if (loses === true) {
      await isOffered(fleet.nodes[0] as Node, lastAddress());
    } else {
      await until("it to be shown", () => isShown(before), BOUND_MS);
    }
  }

  const lastAddress = () => `10.0.${number >> 8}.${number & 255}`;
});

async function tell({ url }: RedisServer, ...[command, ...args]: string[]): Promise<void> {
  const client = new Redis(url);
  try {
    await client.call(command as string, ...args);
  } finally {
    client.disconnect();
  }
}

/** A replica of that one from now on, or of none. */
function demote(server: RedisServer, primary: RedisServer | undefined): Promise<void> {
  const of = primary === undefined ? ["NO", "ONE"] : ["127.0.0.1", String(primary.port)];
  return tell(server, "REPLICAOF", ...of);
}

async function inStep({ url }: RedisServer): Promise<void> {
  const client = new Redis(url);
  const isLinked = async () => (await client.info("replication")).includes("master_link_status:up");
  await until("the replica to be in step", isLinked, BOUND_MS).finally(() => client.disconnect());
}
