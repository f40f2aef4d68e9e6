/**
 * The whole story: a parent zone on another server delegates to us, a resolver follows the delegation, a router's
 * client changes the address, and the resolver gives the new one once the TTL is over. Resolvers ask delegated
 * servers on port 53, so this binds port 53 of loopback addresses and needs the right to.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mayBindPort53, startNsd } from "./harness/nsd.ts";
import { freePort } from "./harness/ports.ts";
import { Daemon, run, skipWithout, until } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

const PARENT = "127.0.0.153";
const CHILD = "127.0.0.154";
const TTL = 2;

const PARENT_ZONE = `$ORIGIN example.com.
@ 3600 IN SOA ns hostmaster 1 3600 600 86400 60
@ 3600 IN NS ns
ns 3600 IN A ${PARENT}
dyn 3600 IN NS ns1.dyn
ns1.dyn 3600 IN A ${CHILD}
`;

const CHILD_ZONE = `$ORIGIN dyn.example.com.
@ 3600 IN SOA ns1 hostmaster 1 3600 600 86400 ${TTL}
@ 3600 IN NS ns1
ns1 3600 IN A ${CHILD}
home ${TTL} IN A 192.0.2.1
`;

const isSkipped = skipWithout("nsd", "unbound", "dig", "ddclient") || !(await mayBindPort53(CHILD));

describe.skipIf(isSkipped)(
  "delegated by another server, resolved by unbound, changed by ddclient",
  () => {
    const directory = mkdtempSync(join(tmpdir(), "windhover-delegation-"));
    const daemons: Daemon[] = [];
    let server: Windhover;
    let resolverPort: number;

    beforeAll(async () => {
      daemons.push(startNsd(PARENT, "example.com", PARENT_ZONE));
      resolverPort = await freePort();
      startResolver(resolverPort);
      server = await Windhover.start({
        config: {
          dns: { listen: [`${CHILD}:53`] },
          zones: [{ origin: "dyn.example.com", file: "dyn.zone" }],
          users: [
            {
              name: "alice",
              token: "alices-secret",
              grants: [{ allow: ["update"], name: "home.dyn.example.com", types: ["A", "AAAA"] }],
            },
          ],
        },
        files: { "dyn.zone": CHILD_ZONE },
      });
      await until("the parent server to answer", () =>
        run("dig", ["+short", `@${PARENT}`, "example.com", "SOA"]).stdout.includes("hostmaster"),
      );
    });
    afterAll(async () => {
      await server?.stop();
      for (const daemon of daemons) await daemon.end();
    });

    function startResolver(port: number): void {
      const config = [
        "server:",
        "  interface: 127.0.0.1",
        `  port: ${port}`,
        '  username: ""',
        '  chroot: ""',
        `  directory: "${directory}"`,
        `  pidfile: "${directory}/unbound.pid"`,
        "  use-syslog: no",
        "  do-not-query-localhost: no",
        "  do-ip6: no",
        '  module-config: "iterator"',
        "stub-zone:",
        "  name: example.com",
        `  stub-addr: ${PARENT}`,
        "remote-control:",
        "  control-enable: no",
        "",
      ].join("\n");
      writeFileSync(join(directory, "unbound.conf"), config);
      daemons.push(new Daemon("unbound", ["-d", "-c", join(directory, "unbound.conf")]));
    }

    const resolve = () =>
      run("dig", [
        "+short",
        "@127.0.0.1",
        "-p",
        String(resolverPort),
        "home.dyn.example.com",
        "A",
      ]).stdout.trim();

    test("the resolver finds the address through the delegation", async () => {
      await until("the resolver to answer", () => resolve() === "192.0.2.1");
    });

    test("after ddclient's update the resolver gives the new address when the TTL is over", async () => {
      const file = join(directory, "ddclient.conf");
      const lines = [
        "ssl=no",
        "use=ip, ip=192.0.2.99",
        "protocol=dyndns2",
        `server=127.0.0.1:${server.httpPort}`,
        "login=alice",
        "password='alices-secret'",
        "home.dyn.example.com",
        "",
      ];
      writeFileSync(file, lines.join("\n"), { mode: 0o600 });
      const cache = join(directory, "ddclient.cache");
      const done = run("ddclient", ["-daemon=0", "-noquiet", "-file", file, "-cache", cache]);
      expect(done.stdout + done.stderr).toContain("SUCCESS");
      expect(run("dig", ["+short", `@${CHILD}`, "home.dyn.example.com", "A"]).stdout.trim()).toBe(
        "192.0.2.99",
      );
      await until("the resolver to give the new address", () => resolve() === "192.0.2.99");
    });

    test("a name that does not exist is NXDOMAIN through the resolver too", () => {
      const args = ["@127.0.0.1", "-p", String(resolverPort), "nothing.dyn.example.com", "A"];
      expect(run("dig", args).stdout).toContain("status: NXDOMAIN");
    });
  },
);
