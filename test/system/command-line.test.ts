/** The command line against a running server: zones, keys, tokens, history, and errors a person can act on. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLE, ORIGIN, ZONE } from "./harness/example.ts";
import { run, skipWithout } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

let server: Windhover;

beforeAll(async () => {
  server = await Windhover.start(EXAMPLE);
});
afterAll(async () => {
  await server?.stop();
});

function file(name: string, content: string): string {
  const path = join(server.directory, name);
  writeFileSync(path, content);
  return path;
}

describe("zone", () => {
  const SECOND = ZONE.replaceAll(ORIGIN, "second.example");

  test("import makes a zone that is answered at once, and list shows it", () => {
    const done = server.cli("zone", "import", "second.example", file("second.zone", SECOND));
    expect(done).toMatchObject({ status: 0, stderr: "" });
    expect(server.dig("home.second.example", "A")).toEqual(["192.0.2.1"]);
    expect(server.cli("zone", "list").stdout).toMatch(/second\.example\.\s+1\s/);
  });

  test("import again changes the zone to what the file says, as one change with a higher serial", () => {
    const changed = SECOND.replace("192.0.2.1", "192.0.2.9");
    const done = server.cli("zone", "import", "second.example", file("second.zone", changed));
    expect(done.status).toBe(0);
    expect(server.dig("home.second.example", "A")).toEqual(["192.0.2.9"]);
    expect(server.dig("second.example", "SOA")[0]).toContain(" 2 3600 ");
    const { stdout } = server.cli("zone", "history", "second.example");
    expect(stdout).toMatch(/1 → 2 {2}local by cli/);
    expect(stdout).toMatch(/- home\.second\.example\..*192\.0\.2\.1\n/);
    expect(stdout).toMatch(/\+ home\.second\.example\..*192\.0\.2\.9\n/);
  });

  test("export can be imported again and says the same", () => {
    const exported = server.cli("zone", "export", "second.example").stdout;
    expect(exported).toMatch(/192\.0\.2\.9/);
    const again = server.cli("zone", "import", "second.example", file("again.zone", exported));
    expect(again.stdout).toContain("unchanged");
  });

  test.skipIf(skipWithout("named-checkzone"))("what export writes, another server reads", () => {
    const exported = server.cli("zone", "export", ORIGIN).stdout;
    const checked = run("named-checkzone", [ORIGIN, file("exported.zone", exported)]);
    expect(checked.stdout).toContain("OK");
  });

  test("a file with a mistake names file, line and column and changes nothing", () => {
    const before = server.cli("zone", "export", "second.example").stdout;
    const bad = file("bad.zone", `${SECOND}broken 60 IN A 192.0.2.300\n`);
    const done = server.cli("zone", "import", "second.example", bad);
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(/bad\.zone:\d+:\d+: .*192\.0\.2\.300/);
    expect(server.cli("zone", "export", "second.example").stdout).toBe(before);
  });

  test("check needs no server and finds what would not work", () => {
    const good = server.cli("zone", "check", ORIGIN, join(server.directory, "dyn.zone"));
    expect(good).toMatchObject({ status: 0, stderr: "" });
    const clash = file("clash.zone", `${ZONE}www IN A 192.0.2.1\n`);
    const done = server.cli("zone", "check", ORIGIN, clash);
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(/www\.dyn\.example\.com\..*CNAME/);
  });

  test("delete ends the zone", () => {
    expect(server.cli("zone", "delete", "second.example").status).toBe(0);
    expect(server.digFull("home.second.example", "A").stdout).toContain("status: REFUSED");
    const missing = server.cli("zone", "export", "second.example");
    expect(missing.status).toBe(1);
    expect(missing.stderr).toContain("second.example.");
  });
});

describe("key", () => {
  test.skipIf(skipWithout("nsupdate"))(
    "add prints a key file that nsupdate takes, remove ends it",
    () => {
      const made = server.cli("key", "add", "laptop", "--update-name", `*.lab.${ORIGIN}`);
      expect(made).toMatchObject({ status: 0, stderr: "" });
      const path = file("laptop.key", made.stdout);
      const lines = [`zone ${ORIGIN}`, `update add a.lab.${ORIGIN} 60 A 192.0.2.30`];
      expect(server.nsupdate(lines, "-k", path)).toMatchObject({ status: 0, stderr: "" });
      expect(server.cli("key", "list").stdout).toMatch(/laptop\.\s+hmac-sha256\s+store/);
      expect(server.cli("key", "remove", "laptop").status).toBe(0);
      expect(server.nsupdate(lines, "-k", path).status).not.toBe(0);
    },
  );

  test("secrets are not listed, and a key of the configuration is not removed", () => {
    expect(server.cli("key", "list").stdout).not.toContain("c2VjcmV0");
    const done = server.cli("key", "remove", "router");
    expect(done.status).toBe(1);
    expect(done.stderr).toContain("configuration file");
  });

  test("a key without grants is not made", () => {
    const done = server.cli("key", "add", "useless");
    expect(done.status).toBe(1);
    expect(done.stderr).toContain("--update-zone");
  });
});

describe("token", () => {
  test.skipIf(skipWithout("curl"))("add prints a token once; revoked, it opens nothing", () => {
    const made = server.cli("token", "add", "--label", "nas", "--update-name", `nas.${ORIGIN}`);
    const secret = made.stdout.split("\n")[0] as string;
    const id = /token (\S+):/.exec(made.stdout)?.[1] as string;
    const update = (address: string) => {
      const url = server.url(`/nic/update?hostname=nas.${ORIGIN}&myip=${address}`);
      return run("curl", ["-sS", "-u", `none:${secret}`, url]).stdout;
    };
    expect(update("192.0.2.31")).toContain("good 192.0.2.31");
    const listed = server.cli("token", "list").stdout;
    expect(listed).toContain(id);
    expect(listed).not.toContain(secret);
    expect(server.cli("token", "revoke", id).status).toBe(0);
    expect(update("192.0.2.32")).toContain("badauth");
    expect(server.dig(`nas.${ORIGIN}`, "A")).toEqual(["192.0.2.31"]);
  });

  test("keys and tokens outlive a restart", async () => {
    server.cli("key", "add", "lasting", "--update-zone", ORIGIN);
    await server.stop();
    await server.launch();
    expect(server.cli("key", "list").stdout).toContain("lasting.");
  });
});

describe("mistakes", () => {
  test.each([
    [["zoen", "list"], "did you mean `zone`?"],
    [["zone", "improt"], "did you mean `import`?"],
    [["zone", "import", "only.one"], "origin and its file"],
    [["--socket", "/nowhere.sock", "zone", "list"], "windhover serve"],
  ])("%j is answered with the way out", (args, advice) => {
    const done = server.cli(...args);
    expect(done.status).toBe(1);
    expect(done.stderr).toContain(advice);
    expect(done.stderr.trim().split("\n")).toHaveLength(1);
  });

  test.each([
    [["--help"]],
    [["zone"]],
    [["key", "--help"]],
    [["token", "--help"]],
    [["serve", "--help"]],
  ])("%j explains itself", (args) => {
    const done = server.cli(...args);
    expect(done.status).toBe(0);
    expect(done.stdout).toContain("windhover");
  });
});

test.each([
  [["-h"], "windhover serve"],
  [["zone", "-h"], "windhover zone import"],
  [["backup", "-h"], "windhover backup [FILE"],
])("%j tells how", (words, usage) => {
  const done = server.cli(...words);
  expect(done).toMatchObject({ status: 0, stderr: "" });
  expect(done.stdout).toContain(usage);
});

test("an unknown option is named in a few words", () => {
  const done = server.cli("zone", "history", ORIGIN, "--bogus");
  expect(done).toMatchObject({ status: 1, stdout: "" });
  expect(done.stderr).toBe("windhover: unknown option '--bogus'; see --help\n");
});
