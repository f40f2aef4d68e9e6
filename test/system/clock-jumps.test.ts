/**
 * The machine's clock jumps, years forwards and back, while the server runs (libfaketime reads the time from a file).
 * Queries and updates go on, serials and the journal's order do not depend on it, and TSIG says what is wrong.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { skipWithout, until } from "./harness/program.ts";
import { Windhover } from "./harness/windhover.ts";

/** Where Debian has it: in a directory that is named after the machine. */
function findLibrary(): string | undefined {
  return readdirSync("/usr/lib")
    .map((each) => `/usr/lib/${each}/faketime/libfaketime.so.1`)
    .find((path) => existsSync(path));
}

const HOUR = 3_600;
const YEAR = 365 * 24 * HOUR;

describe.skipIf(skipWithout("faketime", "dig", "nsupdate"))("a clock that jumps", () => {
  let directory: string;
  let server: Windhover;

  const jump = (seconds: number) => {
    const sign = seconds < 0 ? "-" : "+";
    writeFileSync(join(directory, "offset"), `${sign}${Math.abs(seconds)}`);
  };
  const clock = () => ({
    LD_PRELOAD: findLibrary() as string,
    FAKETIME_TIMESTAMP_FILE: join(directory, "offset"),
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "windhover-clock-"));
    jump(0);
    const dns = { rateLimit: { perSecond: 1_000 } };
    const config = { ...EXAMPLE.config, history: { days: 30 } };
    server = await Windhover.prepare({ ...EXAMPLE, config, dns });
    await server.launch(clock());
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const update = async (address: string) => {
    const authorization = `Basic ${Buffer.from("alice:alices-secret").toString("base64")}`;
    const url = server.url(`/nic/update?hostname=home.${ORIGIN}&myip=${address}`);
    return (await (await fetch(url, { headers: { authorization } })).text()).trim();
  };
  const serialOf = () => Number(server.dig(ORIGIN, "SOA")[0]?.split(" ")[2]);
  const signed = (host: string) =>
    server.nsupdate(
      [`zone ${ORIGIN}`, `update add ${host}.${ORIGIN} 60 A 192.0.2.1`],
      "-y",
      `hmac-sha256:key-sha256:${SECRET}`,
    );
  const journal = () => server.cli("zone", "history", ORIGIN).stdout;

  test("years forwards and back: each update steps the serial by one and is answered", async () => {
    let serial = serialOf();
    let last = 0;
    for (const seconds of [0, HOUR, YEAR, 0, -HOUR, -YEAR, 5 * YEAR, 0]) {
      jump(seconds);
      const address = `192.0.2.${++last + 10}`;
      expect(await update(address)).toBe(`good ${address}`);
      expect(server.dig(`home.${ORIGIN}`, "A")).toEqual([address]);
      expect(serialOf()).toBe(++serial);
      // With a cookie from before the jump or after it.
      expect(server.dig("+cookie", `home.${ORIGIN}`, "A")).toEqual([address]);
      expect(await server.isReady()).toBe(true);
    }
    expect(journal()).toContain("192.0.2.18");
  });

  test("a signature is refused by the time while the clocks differ, and taken again after", async () => {
    const before = serialOf();
    for (const seconds of [HOUR, -HOUR]) {
      jump(seconds);
      expect(signed("apart").stderr).toMatch(/BADTIME|NOTAUTH/);
    }
    expect(serialOf()).toBe(before);
    jump(0);
    expect(signed("together").stderr).toBe("");
    expect(server.dig(`together.${ORIGIN}`, "A")).toEqual(["192.0.2.1"]);
  });

  test("the zone as of a time is asked for in the time of now", async () => {
    jump(2 * HOUR);
    expect(await update("192.0.2.50")).toBe("good 192.0.2.50");
    const { stdout, stderr } = server.cli("zone", "show", ORIGIN, "--at", "1h");
    expect(stderr).toBe("");
    expect(stdout).not.toContain("192.0.2.50");
    jump(0);
    expect(await update("192.0.2.51")).toBe("good 192.0.2.51");
    expect(server.dig(`home.${ORIGIN}`, "A")).toEqual(["192.0.2.51"]);
  });

  test("killed with the clock set back, it starts with all it had", async () => {
    const serial = serialOf();
    await server.kill();
    jump(-YEAR);
    await server.launch(clock());
    await until("the zone", () => serialOf() === serial);
    expect(await update("192.0.2.60")).toBe("good 192.0.2.60");
    expect(serialOf()).toBe(serial + 1);
  });
});
