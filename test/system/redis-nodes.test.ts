/** Two servers on one Redis: each takes updates, both answer alike; credentials and revocations count on both; replicas are waited for. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RedisServer, startRedisServer } from "../store/redis-server.ts";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { run, skipWithout, until } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

const HOME = `home.${ORIGIN}`;
const KEY = `hmac-sha256:key-sha256:${SECRET}`;

describe.skipIf(skipWithout("redis-server", "dig", "nsupdate", "curl"))("two servers", () => {
  let redis: RedisServer;
  let replica: RedisServer;
  const servers: Windhover[] = [];

  const start = async () => {
    const store = { url: redis.url, prefix: "dns:", waitReplicas: 1, waitMs: 300 };
    const server = await Windhover.start({ ...EXAMPLE, config: { ...EXAMPLE.config, store } });
    servers.push(server);
    return server;
  };

  beforeAll(async () => {
    redis = await startRedisServer({ ports: [15400, 15419] });
    const extra = ["--replicaof", "127.0.0.1", String(redis.port)];
    replica = await startRedisServer({ ports: [15400, 15419], extra });
    await until("the replica to be in step", () =>
      run("redis-cli", ["-p", String(redis.port), "info", "replication"]).stdout.includes("online"),
    );
    await start();
    await start();
  });

  afterAll(async () => {
    for (const server of servers) await server.stop();
    await replica?.destroy();
    await redis?.destroy();
  });

  const nodes = () => servers as [Windhover, Windhover];
  const curl = (server: Windhover, path: string, ...args: string[]) =>
    run("curl", ["-sS", "-w", "\n%{http_code}", ...args, server.url(path)]).stdout;
  const alice = ["-u", "alice:alices-secret"];
  const update = (server: Windhover, address: string) =>
    curl(server, `/nic/update?hostname=${HOME}&myip=${address}`, ...alice);
  const home = (server: Windhover) => server.dig(HOME, "A");
  const readiness = async (server: Windhover) =>
    (await (await fetch(server.url("/readyz"))).json()) as { ready: boolean; warnings: string[] };

  test("what one takes, the other answers; either may be the one", async () => {
    const [a, b] = nodes();
    expect(update(a, "192.0.2.10")).toContain("good");
    await until("b to follow", () => home(b)[0] === "192.0.2.10");
    const lines = [`zone ${ORIGIN}`, `update add x.${ORIGIN} 60 A 192.0.2.11`];
    expect(b.nsupdate(lines, "-y", KEY).stderr).toBe("");
    await until("a to follow", () => a.dig(`x.${ORIGIN}`, "A")[0] === "192.0.2.11");
    expect(a.dig(ORIGIN, "SOA")).toEqual(b.dig(ORIGIN, "SOA"));
  });

  test("a token made on one is good on the other, and revoked there it is refused here", async () => {
    const [a, b] = nodes();
    const grants = ["--update-name", HOME, "--types", "A"];
    const made = a.cli("token", "add", "--label", "router", ...grants);
    const secret = /wh_\S+|\S{30,}/.exec(made.stdout)?.[0] as string;
    const bearer = ["-H", `Authorization: Bearer ${secret}`];
    const path = `/nic/update?hostname=${HOME}&myip=192.0.2.20`;
    await until("b to know the token", () => /good|nochg/.test(curl(b, path, ...bearer)));
    const id = /\b[0-9a-z]{8,}\b/.exec(b.cli("token", "list").stdout)?.[0] as string;
    expect(b.cli("token", "revoke", id).status).toBe(0);
    await until("a to refuse the token", () => curl(a, path, ...bearer).includes("badauth"));
  });

  test("a key made on one signs on the other, and not any more when it is removed", async () => {
    const [a, b] = nodes();
    const made = a.cli("key", "add", "laptop", "--update-zone", ORIGIN);
    const secret = /[A-Za-z0-9+/]{40,}=*/.exec(made.stdout)?.[0] as string;
    const lines = [`zone ${ORIGIN}`, `update add y.${ORIGIN} 60 A 192.0.2.12`];
    const sign = () => b.nsupdate(lines, "-y", `hmac-sha256:laptop:${secret}`).stderr;
    await until("b to know the key", () => sign() === "");
    expect(a.cli("key", "remove", "laptop").status).toBe(0);
    await until("b to refuse the key", () => /BADKEY|NOTAUTH|tsig/i.test(sign()));
  });

  test("warnings stand in readiness and are counted, and do not make it unready", async () => {
    const [a] = nodes();
    expect(await readiness(a)).toMatchObject({
      ready: true,
      warnings: [expect.stringContaining("keeps nothing on disk")],
    });
    expect(await (await fetch(a.url("/metrics"))).text()).toContain("windhover_store_warnings 1");
    expect(a.output).toContain("keeps nothing on disk");
  });

  test("a replica that is silent: shown on both, acknowledged by none, until it is back", async () => {
    const [a, b] = nodes();
    replica.pause();
    expect(update(a, "192.0.2.30")).toBe("911\n\n503");
    await until(
      "both to show it",
      () => home(a)[0] === "192.0.2.30" && home(b)[0] === "192.0.2.30",
    );
    expect(update(b, "192.0.2.30")).toBe("911\n\n503");
    const message = b.digFull("+noall", "+comments", HOME, "A").stdout;
    expect(message).toContain("NOERROR");
    expect((await readiness(a)).ready).toBe(false);
    expect(a.output).toContain("0 of 1 replicas had it after 300 ms");
    replica.resume();
    await until("it to be acknowledged", () => update(b, "192.0.2.30").startsWith("nochg"));
    await until("it to be acknowledged", () => update(a, "192.0.2.30").startsWith("nochg"));
    expect((await readiness(a)).ready).toBe(true);
  });
});
