/** A part of a Cluster is gone, its primary and its replica: zones in it refuse updates, others are taken, and all are answered. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fleet, type Node } from "../nodes/fleet.ts";
import { FIXED, ORIGINS } from "../nodes/fleet-config.ts";
import { addressAt } from "../nodes/query-watch.ts";
import { probe } from "../nodes/update-client.ts";
import { type RedisCluster, startRedisCluster } from "../store/redis-cluster.ts";
import type { RedisServer } from "../store/redis-server.ts";
import { skipWithout, until } from "./harness/program.ts";

const [GONE, STAYING] = ORIGINS;
const DOWN = "the store is down";
const BOUND_MS = 60_000;

describe.skipIf(skipWithout("redis-server", "redis-cli"))(
  "a Cluster without one of its parts",
  () => {
    let redis: RedisCluster;
    let fleet: Fleet;
    let number = 0;
    const killed: RedisServer[] = [];

    beforeAll(async () => {
      const server = {
        appendonly: true,
        extra: ["--cluster-require-full-coverage", "no"],
      };
      redis = await startRedisCluster({ ports: [15_800, 15_840], server });
      const ports = redis.servers.map(({ port }) => port);
      fleet = await Fleet.start({ url: redis.url, ports, waitReplicas: 0 }, 1);
    });
    afterAll(async () => {
      await fleet?.stop();
      await redis?.destroy();
    });

    const node = () => fleet.nodes[0] as Node;
    const isTaken = (origin: string) => {
      const address = `10.0.0.${++number & 255}`;
      return probe(node().server, { way: "set", origin, owner: `home.${origin}`, address });
    };

    test("refuses in that part alone, and says so once", async () => {
      const primary = await redis.primaryOf(`windhover:{${GONE}.}:version`);
      const at = redis.servers.indexOf(primary);
      const role = await redis.clients[at]?.role();
      const [, , replicas] = role as unknown as [string, number, [string, string][]];
      const ports = [primary.port, ...replicas.map(([, port]) => Number(port))];
      killed.push(...redis.servers.filter(({ port }) => ports.includes(port)));
      expect(killed).toHaveLength(2);
      for (const server of killed) await server.kill();
      await until("its zone to be refused", async () => !(await isTaken(GONE)), BOUND_MS);
      await until("readiness to say so", async () => !(await node().server.isReady()), BOUND_MS);
      await until("other parts to take updates", () => isTaken(STAYING), BOUND_MS);
      const told = node().server.output.split(DOWN).length;
      for (let update = 0; update < 20; update++) {
        expect(await isTaken(STAYING)).toBe(true);
        expect(await isTaken(GONE)).toBe(false);
      }
      expect(await node().server.isReady()).toBe(false);
      expect(node().server.output.split(DOWN).length).toBe(told);
      for (const origin of ORIGINS) {
        expect(await addressAt(node().server.dnsPort, `${FIXED.label}.${origin}`)).toBe(
          FIXED.address,
        );
      }
    });

    test("takes all again when it is back", async () => {
      for (const server of killed) await server.start();
      await until("its zone to be taken", () => isTaken(GONE), BOUND_MS);
      await until("readiness", () => node().server.isReady(), BOUND_MS);
    });
  },
);
