/** A Redis that forgets: restarted empty under a running server, and put back to an old snapshot. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RedisServer, startRedisServer } from "../store/redis-server.ts";
import { EXAMPLE, ORIGIN } from "./harness/example.ts";
import { run, skipWithout, until } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

const HOME = `home.${ORIGIN}`;

describe.skipIf(skipWithout("redis-server", "dig", "curl"))("Redis forgets", () => {
  let redis: RedisServer;
  let client: Redis;
  const servers: Windhover[] = [];

  beforeAll(async () => {
    redis = await startRedisServer({ appendonly: true, appendfsync: "always" });
    client = new Redis(redis.url);
    for (let node = 0; node < 2; node++) {
      const config = { ...EXAMPLE.config, store: redis.url };
      servers.push(await Windhover.start({ ...EXAMPLE, config }));
    }
  });
  afterAll(async () => {
    for (const server of servers) await server.stop();
    client?.disconnect();
    await redis?.destroy();
  });

  const update = (server: Windhover, address: string) => {
    const path = server.url(`/nic/update?hostname=${HOME}&myip=${address}`);
    return run("curl", ["-sS", "-u", "alice:alices-secret", path]).stdout.trim();
  };
  const shown = () => servers.map((server) => server.dig(HOME, "A")[0]);

  /** All keys of the store as they are now, and the way back to them. */
  async function snapshot(): Promise<() => Promise<void>> {
    const keys = await client.keys("windhover:*");
    const values = await Promise.all(keys.map((key) => client.dumpBuffer(key)));
    return async () => {
      await client.flushall();
      for (const [at, key] of keys.entries()) {
        await client.restore(key, 0, values[at] as Buffer);
      }
    };
  }

  test("all of it: queries go on, the zone is put back, and updates go on from there", async () => {
    expect(update(servers[0] as Windhover, "192.0.2.70")).toBe("good 192.0.2.70");
    await until("both to show it", () => shown().every((each) => each === "192.0.2.70"));
    await client.flushall();
    await until(
      "the zone to be back",
      async () => (await client.keys("*:version")).length === 1,
      60_000,
    );
    expect(shown()).toEqual(["192.0.2.70", "192.0.2.70"]);
    const taken = () => update(servers[1] as Windhover, "192.0.2.71").startsWith("good");
    await until("updates to be taken", taken, 30_000);
    await until("both to show it", () => shown().every((each) => each === "192.0.2.71"), 60_000);
  });

  test("credentials: those in use come back to the store, a revoked one does not", async () => {
    const [one, two] = servers as [Windhover, Windhover];
    const tokens = ["kept", "revoked"].map((label) => {
      const made = one.cli("token", "add", "--label", label, "--host", HOME);
      expect(made.status).toBe(0);
      return made.stdout.split("\n")[0] as string;
    });
    const [kept, revoked] = tokens as [string, string];
    const isTaken = (server: Windhover, token: string) => {
      const path = server.url(`/nic/update?hostname=${HOME}&myip=192.0.2.71`);
      return /^(good|nochg)/.test(run("curl", ["-sS", "-u", `x:${token}`, path]).stdout);
    };
    await until("both to take both", () =>
      servers.every((server) => tokens.every((token) => isTaken(server, token))),
    );
    const goBack = await snapshot();
    const id = revoked.slice(0, revoked.indexOf("_"));
    expect(one.cli("token", "revoke", id).status).toBe(0);
    await until("it to be refused", () => servers.every((each) => !isTaken(each, revoked)));
    await goBack();
    const stored = () => client.hkeys("windhover:documents:token");
    await until("it to be revoked again", async () => !(await stored()).includes(id), 60_000);
    expect(servers.map((server) => isTaken(server, revoked))).toEqual([false, false]);
    await client.flushall();
    await until("the other to be back", async () => (await stored()).length === 2, 60_000);
    expect(servers.map((server) => isTaken(server, kept))).toEqual([true, true]);
    expect(`${one.output}${two.output}`).toContain("those that are known here are put back");
    await two.stop();
    servers.pop();
    const config = { ...EXAMPLE.config, store: redis.url };
    const fresh = await Windhover.start({ ...EXAMPLE, config });
    servers.push(fresh);
    expect(isTaken(fresh, kept)).toBe(true);
    expect(isTaken(fresh, revoked)).toBe(false);
  });

  test("the newest of it: what is lost is told, and comes back by one command", async () => {
    const goBack = await snapshot();
    expect(update(servers[0] as Windhover, "192.0.2.72")).toBe("good 192.0.2.72");
    await until("both to show it", () => shown().every((each) => each === "192.0.2.72"));
    await goBack();
    await until(
      "the older state to be shown",
      () => shown().every((each) => each === "192.0.2.71"),
      60_000,
    );
    const [server] = servers as [Windhover];
    await until("the loss to be told", () => server.output.includes("lost acknowledged changes"));
    const readiness = await (await fetch(server.url("/readyz"))).text();
    expect(readiness).toContain(`windhover zone recover ${ORIGIN}`);
    expect(await (await fetch(server.url("/metrics"))).text()).toMatch(
      /windhover_lost_rrsets [1-9]/,
    );
    expect(server.cli("zone", "recover", ORIGIN, "--dry-run").stdout).toContain("+ ");
    const recovered = server.cli("zone", "recover", ORIGIN);
    expect(recovered.stdout).toContain(`+ ${HOME}. `);
    expect(recovered.stdout).toContain("192.0.2.72");
    await until(
      "both to have it again",
      () => shown().every((each) => each === "192.0.2.72"),
      60_000,
    );
    expect(server.cli("zone", "recover", ORIGIN).stdout).toContain("nothing of");
  });
});
