/**
 * Installs what the tests drive, where it is missing: other name servers, resolvers, update clients, Redis. Plain
 * JavaScript, because it runs before anything is built. Exits non-zero only where CI=true and something is missing.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Command that a test runs, or path of a file that it needs → Debian package that brings it. */
const TOOLS = {
  dig: "bind9-dnsutils",
  nsupdate: "bind9-dnsutils",
  named: "bind9",
  "named-rrchecker": "bind9",
  kdig: "knot-dnsutils",
  knsupdate: "knot-dnsutils",
  knotd: "knot",
  nsd: "nsd",
  unbound: "unbound",
  "redis-server": "redis-server",
  "redis-cli": "redis-tools",
  ddclient: "ddclient",
  inadyn: "inadyn",
  curl: "curl",
  faketime: "faketime",
  "mkfs.ext4": "e2fsprogs",
  wget: "wget",
  openssl: "openssl",
  pebble: "pebble",
  lego: "lego",
  "/usr/lib/python3/dist-packages/certbot_dns_rfc2136": "python3-certbot-dns-rfc2136",
  "/usr/lib/python3/dist-packages/dns": "python3-dnspython",
  "kea-dhcp-ddns": "kea-dhcp-ddns-server",
  dhcpd: "isc-dhcp-server",
  ip: "iproute2",
  kresd: "knot-resolver",
  gcc: "gcc",
  "musl-gcc": "musl-tools",
  ...otherMachine(),
};

/** A compiler for the other kind of machine that the native port is made for, and its headers. */
function otherMachine() {
  if (process.arch === "arm64") {
    return {
      "x86_64-linux-gnu-gcc": "gcc-x86-64-linux-gnu",
      "/usr/x86_64-linux-gnu/include/netinet/in.h": "libc6-dev-amd64-cross",
    };
  }
  return {
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
    "/usr/aarch64-linux-gnu/include/netinet/in.h": "libc6-dev-arm64-cross",
  };
}

const PATH = [
  ...(process.env.PATH ?? "").split(delimiter),
  "/usr/sbin",
  "/sbin",
  "/usr/local/sbin",
];

function isInstalled(tool) {
  if (tool.startsWith("/")) return existsSync(tool);
  return PATH.some((directory) => {
    try {
      accessSync(join(directory, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function missing() {
  return Object.keys(TOOLS).filter((command) => !isInstalled(command));
}

/** The words that run a command as root, or undefined where we may not. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  const sudo = spawnSync("sudo", ["-n", "true"], { stdio: "ignore" });
  return sudo.status === 0 ? ["sudo", "-n"] : undefined;
}

function aptGet(prefix, args) {
  const [command, ...rest] = [
    ...prefix,
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    "apt-get",
    ...args,
  ];
  execFileSync(command, rest, { stdio: ["ignore", "ignore", "inherit"] });
}

function install(packages) {
  const prefix = isInstalled("apt-get") ? asRoot() : undefined;
  if (prefix === undefined) return;
  console.log(`Installing from Debian: ${packages.join(" ")}`);
  // Their services must not start and take the ports of a machine that runs tests.
  const hold = "/usr/sbin/policy-rc.d";
  const held = !isInstalled("policy-rc.d") && prefix.length === 0;
  if (held)
    execFileSync("sh", ["-c", `printf '#!/bin/sh\\nexit 101\\n' > ${hold} && chmod 755 ${hold}`]);
  try {
    aptGet(prefix, ["update", "-qq"]);
    aptGet(prefix, ["install", "-y", "-qq", "--no-install-recommends", ...packages]);
  } catch (error) {
    console.error(`apt-get failed: ${error.message}`);
  } finally {
    if (held) execFileSync("rm", ["-f", hold]);
  }
}

const before = missing();
if (before.length > 0) install([...new Set(before.map((command) => TOOLS[command]))]);

const after = missing();
if (after.length > 0) {
  const packages = [...new Set(after.map((command) => TOOLS[command]))].join(" ");
  console.error(
    `Missing for the tests: ${after.join(", ")}. Install them with: apt-get install ${packages}`,
  );
  if (process.env.CI === "true") process.exit(1);
  console.error("Going on without: the tests that need them will be skipped and say so.");
}
