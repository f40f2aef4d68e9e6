/** The configuration changed under the running program: by signal, by command, and by saving the file. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import {
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, type PeerCertificate } from "node:tls";
import argon2 from "argon2";
import { afterEach, describe, expect, test } from "vitest";
import { Limits } from "../../src/base/limits.ts";
import { Type } from "../../src/wire/code-points.ts";
import { makeQuery, writeMessage } from "../../src/wire/message.ts";
import { parseName } from "../../src/wire/name.ts";
import { makeCertificate } from "../server/certificates.ts";
import { dialTcp } from "../server/stream-client.ts";
import { EXAMPLE as BASE, ORIGIN, SECRET, ZONE } from "./harness/example.ts";
import { freePort } from "./harness/ports.ts";
import { Daemon, run, skipWithout, until } from "./harness/program.ts";
import { MAIN, Windhover, type WindhoverOptions } from "./harness/windhover.ts";

const ROUTER = `hmac-sha256:key-sha256:${SECRET}`;

/** Where a command or a signal decides, so that no look at the file comes first. */
const EXAMPLE = { ...BASE, config: { ...BASE.config, watch: false } };

let server: Windhover;
afterEach(() => server?.stop());

async function start(options: WindhoverOptions = EXAMPLE): Promise<void> {
  server = await Windhover.start(options);
  await untilLogged('"msg":"ready"');
}

function save(options: WindhoverOptions): void {
  writeFileSync(server.configFile, server.configText(options));
}

/** Saves and takes over by command; answers with what it said. */
function reload(options: WindhoverOptions): string {
  save(options);
  const { status, stdout, stderr } = server.cli("reload");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

const withConfig = (config: Record<string, unknown>): WindhoverOptions => ({
  config: { ...EXAMPLE.config, ...config },
});

function update(key: string, address = "192.0.2.9") {
  return server.nsupdate(
    [
      `zone ${ORIGIN}`,
      `update delete home.${ORIGIN} A`,
      `update add home.${ORIGIN} 60 A ${address}`,
    ],
    "-y",
    key,
  );
}

async function dyndns(user: string, password: string): Promise<string> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const url = server.url(`/nic/update?hostname=home.${ORIGIN}&myip=192.0.2.77`);
  return (await fetch(url, { headers: { authorization } })).text();
}

/** Polls the log: the file is looked at once a second, and taken when it looks the same twice. */
async function untilLogged(text: string, times = 1): Promise<void> {
  await until(`the log to say "${text}"`, () => server.output.split(text).length > times);
}

/** Asks one question after the other until told to stop; answers with how many were asked and not answered. */
function askOverUdp(socket: Socket): () => Promise<{ asked: number; missing: number }> {
  let asked = 0;
  const waiting = new Set<number>();
  socket.on("message", (reply) => waiting.delete(reply.readUInt16BE(0)));
  const timer = setInterval(() => {
    // Never so many at once that a socket of the test could lose a reply.
    for (let burst = 0; burst < 10 && waiting.size < 100; burst++) {
      const id = asked++ & 0xffff;
      waiting.add(id);
      socket.send(question(id), server.dnsPort, "127.0.0.1");
    }
  }, 2);
  return async () => {
    clearInterval(timer);
    for (let turn = 0; turn < 200 && waiting.size > 0; turn++) await sleep(10);
    return { asked, missing: waiting.size };
  };
}

function question(id: number): Uint8Array {
  const buffer = new Uint8Array(100);
  const query = makeQuery({ id, name: parseName(`home.${ORIGIN}`), qtype: Type.A, flags: 0 });
  return buffer.slice(0, writeMessage(query, buffer));
}

async function askOverTcp() {
  const client = await dialTcp({ address: "127.0.0.1", port: server.dnsPort });
  let asked = 0;
  const timer = setInterval(() => {
    const message = question(asked++ & 0xffff);
    client.socket.write(Uint8Array.of(0, message.length, ...message));
  }, 5);
  return async () => {
    clearInterval(timer);
    await client.receive(asked);
    client.socket.destroy();
    return asked;
  };
}

const without = skipWithout("dig", "nsupdate", "openssl");

describe.skipIf(without)("by command", () => {
  test.each(["native", "dgram"])(
    "50 reloads, and no query goes unanswered (%s)",
    async (port) => {
      await start({ ...EXAMPLE, dns: { port } });
      const socket = createSocket("udp4").bind(0, "127.0.0.1");
      await once(socket, "listening");
      const stopUdp = askOverUdp(socket);
      const stopTcp = await askOverTcp();
      const authorization = `Bearer none`;
      for (let turn = 0; turn < 50; turn++) {
        const next = {
          dns: { port, identity: `id${turn}`, rateLimit: { perSecond: 1_000_000 - turn } },
          ...withConfig({ http: { ttl: 60 + turn, metrics: turn % 2 === 0 } }),
        };
        save(next);
        process.kill(server.pid, "SIGHUP");
        await untilLogged("the configuration was taken over", turn + 1);
      }
      expect((await fetch(server.url("/healthz"), { headers: { authorization } })).status).toBe(
        200,
      );
      expect(server.dig("id.server", "CH", "TXT")).toEqual(['"id49"']);
      const { asked, missing } = await stopUdp();
      socket.close();
      expect(missing).toBe(0);
      expect(asked).toBeGreaterThan(1_000);
      expect(await stopTcp()).toBeGreaterThan(100);
    },
    60_000,
  );

  test("what was changed, what needs a restart, and what has no effect is said", async () => {
    await start();
    const next = withConfig({ http: { ttl: 30 }, store: "./elsewhere", zones: [] });
    save(next);
    // The file names another socket by now.
    const socket = ["--socket", join(server.directory, "data/windhover.sock")];
    const checked = server.cli("reload", "--check", ...socket);
    expect(checked.stdout).toContain("would change: http.ttl\n");
    expect(server.cli("reload", ...socket).stdout).toBe(
      [
        "changed: http.ttl",
        `changed: zone ${ORIGIN}. removed from the file`,
        `note: zone ${ORIGIN}. stays in the store and is served: \`windhover zone delete\` ends it`,
        "needs a restart: store.url",
        "needs a restart: socket",
        "",
      ].join("\n"),
    );
    expect(server.dig(`home.${ORIGIN}`)).toEqual(["192.0.2.1"]);
    await untilLogged("needs a restart, and stays as it is until then: store");
  });

  test("a removed key stops at once, and a new one works at once", async () => {
    await start();
    expect(update(ROUTER).status).toBe(0);
    const keys = [
      {
        ...EXAMPLE.config.keys[0],
        name: "fresh",
        algorithm: "hmac-sha256",
        secret: "ZnJlc2ggZnJlc2ggZnJlc2g=",
      },
    ];
    expect(reload(withConfig({ keys }))).toContain(
      "changed: key key-sha256 removed from the file\n",
    );
    expect(update(ROUTER)).toMatchObject({ stderr: expect.stringContaining("BADKEY") });
    expect(update("hmac-sha256:fresh:ZnJlc2ggZnJlc2ggZnJlc2g=").status).toBe(0);
  });

  test("a changed secret, a changed grant", async () => {
    await start();
    const [first] = EXAMPLE.config.keys;
    const key = { ...first, name: "key-sha256", algorithm: "hmac-sha256" };
    reload(withConfig({ keys: [{ ...key, secret: "b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXI=" }] }));
    expect(update(ROUTER).stderr).toContain("BADSIG");
    reload(
      withConfig({ keys: [{ ...key, grants: [{ allow: ["update"], name: `nas.${ORIGIN}` }] }] }),
    );
    expect(update(ROUTER).stderr).toContain("REFUSED");
  });

  test("a user's password, as a plain token and as a hash", async () => {
    await start();
    expect(await dyndns("alice", "alices-secret")).toContain("good");
    const [alice] = EXAMPLE.config.users;
    const { token, ...rest } = alice as { token: string; name: string; grants: unknown[] };
    reload(withConfig({ users: [{ ...rest, password: await argon2.hash("new secret") }] }));
    expect(await dyndns("alice", token)).toContain("badauth");
    expect(await dyndns("alice", "new secret")).toMatch(/good|nochg/);
    reload(withConfig({ users: [{ ...rest, password: await argon2.hash("newer secret") }] }));
    expect(await dyndns("alice", "new secret")).toContain("badauth");
    reload(withConfig({ users: [] }));
    expect(await dyndns("alice", "newer secret")).toContain("badauth");
  });

  test("a new zone is made from its file, and the old one goes on", async () => {
    await start();
    writeFileSync(join(server.directory, "new.zone"), ZONE.replaceAll(ORIGIN, "new.example"));
    const zones = [...EXAMPLE.config.zones, { origin: "new.example", file: "new.zone" }];
    expect(reload(withConfig({ zones }))).toBe("changed: zone new.example. added\n");
    expect(server.dig("home.new.example")).toEqual(["192.0.2.1"]);
    expect(server.dig(`home.${ORIGIN}`)).toEqual(["192.0.2.1"]);
  });

  test("secondaries that come are notified, those that go are left alone", async () => {
    await start();
    const secondary = createSocket("udp4").bind(0, "127.0.0.1");
    await once(secondary, "listening");
    const heard: Buffer[] = [];
    secondary.on("message", (message, from) => {
      heard.push(message);
      const reply = Buffer.from(message);
      reply[2] = (reply[2] as number) | 0x80;
      secondary.send(reply, from.port, from.address);
    });
    const notify = [`127.0.0.1:${secondary.address().port}`];
    const [zone] = EXAMPLE.config.zones;
    reload(withConfig({ zones: [{ ...zone, notify }] }));
    await until("the new secondary to be notified", () => heard.length === 1);
    reload(withConfig({ zones: [{ ...zone, notify: [] }] }));
    expect(update(ROUTER).status).toBe(0);
    await sleep(300);
    secondary.close();
    expect(heard).toHaveLength(1);
  });

  test("rate limits act from now on, and end", async () => {
    await start();
    const answered = async () => {
      const socket = createSocket("udp4").bind(0, "127.0.0.1");
      let replies = 0;
      socket.on("message", (reply) => {
        if (reply.readUInt16BE(6) > 0) replies++;
      });
      for (let id = 0; id < 50; id++) socket.send(question(id), server.dnsPort, "127.0.0.1");
      const idle = async () => {
        for (let before = -1; before !== replies; ) {
          before = replies;
          await sleep(150);
        }
      };
      await idle();
      socket.close();
      return replies;
    };
    expect(await answered()).toBe(50);
    reload({ ...EXAMPLE, dns: { rateLimit: { perSecond: 3 } } });
    expect(await answered()).toBeLessThan(20);
    reload({ ...EXAMPLE, dns: { rateLimit: { perSecond: 3, exempt: ["127.0.0.0/8"] } } });
    expect(await answered()).toBe(50);
    reload(EXAMPLE);
    expect(await answered()).toBe(50);
  });

  test("the TTL of updates, /metrics, the size of zones and the log", async () => {
    await start();
    const config = {
      http: { ttl: 7, metrics: false },
      limits: { zoneRRsets: 7 },
      log: { level: "warn" },
    };
    reload(withConfig(config));
    expect(await dyndns("alice", "alices-secret")).toContain("good");
    expect(server.digFull(`home.${ORIGIN}`, "+noall", "+answer").stdout).toMatch(/\t7\tIN\tA/);
    expect((await fetch(server.url("/metrics"))).status).toBe(404);
    const more = [
      `zone ${ORIGIN}`,
      ...[1, 2, 3].map((n) => `update add n${n}.${ORIGIN} 60 A 192.0.2.1`),
    ];
    expect(server.nsupdate(more, "-y", ROUTER).stderr).toContain("REFUSED");
    const length = server.output.length;
    expect(update(ROUTER).status).toBe(0);
    expect(server.output.slice(length)).toBe("");
    reload(EXAMPLE);
    expect(server.nsupdate(more, "-y", ROUTER).status).toBe(0);
    expect((await fetch(server.url("/metrics"))).status).toBe(200);
  });

  test("how much history is kept", async () => {
    await start();
    for (let change = 1; change <= 5; change++) update(ROUTER, `192.0.2.${change}`);
    const lines = () => server.cli("zone", "history", ORIGIN).stdout.trim().split("\n").length - 1;
    const before = lines();
    expect(before).toBeGreaterThanOrEqual(5);
    reload(withConfig({ history: { entries: 2 } }));
    for (let change = 6; change <= 12; change++) update(ROUTER, `192.0.2.${change}`);
    expect(lines()).toBeLessThan(before);
  });

  test("another certificate, and the files of before are looked at no more", async () => {
    const names = ["one.example", "two.example"];
    const [one, two] = names.map((name) => makeCertificate(name));
    const port = await freePort();
    const tls = (paths: object | undefined) => ({
      ...EXAMPLE,
      dns: { tls: { listen: [`127.0.0.1:${port}`], ...paths } },
    });
    await start(tls(one));
    const served = async () => {
      const socket = connectTls({
        host: "127.0.0.1",
        port,
        rejectUnauthorized: false,
        ALPNProtocols: ["dot"],
      });
      await once(socket, "secureConnect");
      const { subjectaltname }: PeerCertificate = socket.getPeerCertificate();
      socket.destroy();
      return subjectaltname;
    };
    expect(await served()).toContain("one.example");
    expect(reload(tls(two))).toBe("changed: dns.tls.certificate\nchanged: dns.tls.key\n");
    expect(await served()).toContain("two.example");
    save(tls({ certificate: one?.certificate, key: two?.key }));
    const { status, stderr } = server.cli("reload");
    expect(status).toBe(1);
    expect(stderr).toContain("is not the key of the certificate in");
    expect(await served()).toContain("two.example");
  });
});

describe.skipIf(without)("a bad file", () => {
  const GOOD = { identity: "before" };

  test.each([
    [
      "an unknown key",
      (text: string) => `${text}htpp: {}\n`,
      "unknown key `htpp`; did you mean `http`?",
    ],
    ["no YAML", (text: string) => `${text}dns: [\n`, "windhover.yaml:"],
    [
      "a zone without a file",
      (text: string) => text.replace("zones:", "zones:\n  - origin: none.example"),
      "zone none.example. is not in the store",
    ],
    [
      "a zone file that is not there",
      (text: string) => text.replace("zones:", "zones:\n  - origin: none.example\n    file: none"),
      "cannot read",
    ],
    [
      "a key that is none",
      (text: string) => text.replace("hmac-sha384", "hmac-none"),
      'unknown algorithm "hmac-none"',
    ],
    ["nothing at all", () => "", "is empty"],
  ])("changes nothing and is explained: %s", async (_, spoil, problem) => {
    await start({ ...EXAMPLE, dns: GOOD });
    const next = { ...withConfig({ users: [], http: { ttl: 5 } }), dns: { identity: "after" } };
    writeFileSync(server.configFile, spoil(server.configText(next)));
    const { status, stderr } = server.cli(
      "reload",
      "--socket",
      join(server.directory, "data/windhover.sock"),
    );
    expect(status).toBe(1);
    expect(stderr).toContain(problem);
    await untilLogged("everything stays as it was");
    expect(server.dig("id.server", "CH", "TXT")).toEqual(['"before"']);
    expect(await dyndns("alice", "alices-secret")).toContain("good");
    expect(await server.isReady()).toBe(true);
    const metrics = await (await fetch(server.url("/metrics"))).text();
    expect(metrics).toContain("windhover_config_reload_success 0");
    expect(reload(next)).toContain("changed: http.ttl");
    expect(await (await fetch(server.url("/metrics"))).text()).toContain(
      "windhover_config_reload_success 1",
    );
  });

  test("of two new zones the bad one keeps the good one out", async () => {
    await start();
    writeFileSync(join(server.directory, "good.zone"), ZONE.replaceAll(ORIGIN, "good.example"));
    writeFileSync(join(server.directory, "bad.zone"), "@ 60 IN A 192.0.2.1\n");
    const zones = ["good", "bad"].map((name) => ({
      origin: `${name}.example`,
      file: `${name}.zone`,
    }));
    save(withConfig({ zones: [...EXAMPLE.config.zones, ...zones] }));
    expect(server.cli("reload").stderr).toContain("zone bad.example. cannot be served");
    expect(server.cli("zone", "list").stdout).not.toContain("good.example");
  });

  test("names line and column of the key", async () => {
    await start();
    const text = server.configText(EXAMPLE);
    writeFileSync(server.configFile, text.replace("zones:", "zoens:"));
    const line = text.split("\n").indexOf("zones:") + 1;
    const { stderr } = server.cli("serve", "--check");
    expect(stderr).toBe(
      `windhover: windhover.yaml:${line}:1: unknown key \`zoens\`; did you mean \`zones\`?\n`,
    );
  });
});

describe.skipIf(without)("the file that changes", () => {
  const identity = () => server.dig("id.server", "CH", "TXT");
  const named = (name: string): WindhoverOptions => ({ ...BASE, dns: { identity: name } });

  test("is taken over when it is saved, by writing and by renaming", async () => {
    await start(BASE);
    save(named("written"));
    await until("it to be taken over", () => identity()[0] === '"written"');
    writeFileSync(`${server.configFile}~`, server.configText(named("renamed")));
    renameSync(`${server.configFile}~`, server.configFile);
    await until("it to be taken over", () => identity()[0] === '"renamed"');
  });

  test("is taken over when a link is led elsewhere, as Kubernetes does with a ConfigMap", async () => {
    server = await Windhover.prepare(BASE);
    const version = (name: string, options: WindhoverOptions) => {
      mkdirSync(join(server.directory, name));
      writeFileSync(join(server.directory, name, "windhover.yaml"), server.configText(options));
      symlinkSync(name, join(server.directory, "..data_tmp"));
      renameSync(join(server.directory, "..data_tmp"), join(server.directory, "..data"));
    };
    version("..1", named("one"));
    rmSync(server.configFile);
    symlinkSync("..data/windhover.yaml", server.configFile);
    await server.launch();
    version("..2", named("two"));
    rmSync(join(server.directory, "..1"), { recursive: true });
    await until("it to be taken over", () => identity()[0] === '"two"');
  });

  test("is told of once when it is bad, cut short or gone, and taken over when it is good again", async () => {
    await start(named("before"));
    writeFileSync(server.configFile, "dns: [\n");
    await untilLogged("everything stays as it was");
    for (let touch = 0; touch < 2; touch++) {
      writeFileSync(server.configFile, "dns: [\n");
      await sleep(3 * Limits.configPollMs);
    }
    expect(server.output.split("everything stays as it was")).toHaveLength(2);
    truncateSync(server.configFile);
    await untilLogged("is empty");
    rmSync(server.configFile);
    await untilLogged("cannot be read");
    expect(identity()).toEqual(['"before"']);
    save(named("after"));
    await until("it to be taken over", () => identity()[0] === '"after"');
  }, 40_000);

  test("is left alone when the environment says otherwise", async () => {
    server = await Windhover.prepare(named("file"));
    await server.launch({ WINDHOVER_DNS__IDENTITY: "environment" });
    save({ ...named("file again"), ...withConfig({ http: { ttl: 9 }, watch: true }) });
    await untilLogged("the configuration was taken over");
    expect(identity()).toEqual(['"environment"']);
  });
});

test("SIGHUP without a file to read again ends nothing and is explained", async () => {
  server = await Windhover.prepare(EXAMPLE);
  copyFileSync(server.configFile, join(server.directory, "other.yaml"));
  rmSync(server.configFile);
  await server.launch({
    WINDHOVER_DNS__LISTEN: `127.0.0.1:${server.dnsPort}`,
    WINDHOVER_HTTP__LISTEN: `127.0.0.1:${server.httpPort}`,
  });
  process.kill(server.pid, "SIGHUP");
  await untilLogged("there is no configuration file that could be read again");
  expect(await server.isReady()).toBe(true);
});

test.skipIf(skipWithout("script"))(
  "the SIGHUP of a terminal that is closed ends the server that was started there",
  async () => {
    server = await Windhover.prepare(EXAMPLE);
    const command = `exec ${process.execPath} ${MAIN} serve`;
    const terminal = new Daemon("script", ["-qc", command, "/dev/null"], { cwd: server.directory });
    await until("windhover to be ready", () => server.isReady());
    const children = run("ps", ["-o", "pid=", "--ppid", String(terminal.child.pid)]).stdout;
    const pid = Number(children.trim());
    process.kill(pid, "SIGHUP");
    await until("the reload", () => terminal.output.includes("nothing changed"));
    await terminal.end("SIGKILL");
    await until("the server to end", () => !isAlive(pid));
  },
);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("serve --check finds what a start would, and starts nothing", async () => {
  server = await Windhover.prepare(EXAMPLE);
  expect(server.cli("serve", "--check")).toEqual({
    status: 0,
    stdout: "windhover.yaml is good\n",
    stderr: "",
  });
  writeFileSync(join(server.directory, "dyn.zone"), "@ 60 IN A 192.0.2.1\n");
  expect(server.cli("serve", "--check")).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("cannot be served"),
  });
  rmSync(join(server.directory, "dyn.zone"));
  expect(server.cli("serve", "--check")).toMatchObject({
    status: 0,
    stderr: expect.stringContaining("it is needed unless the store has"),
  });
});
