/** Kea's DHCP-DDNS daemon, told of leases as Kea's DHCP servers tell it: JSON over UDP, two octets of length first. */
import { createSocket } from "node:dgram";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./ports.ts";
import { Daemon, until } from "./program.ts";

export interface D2Key {
  readonly name: string;
  readonly algorithm: string;
  readonly secret: string;
}

/** A zone that D2 updates and the name of the key it signs with. */
export interface D2Domain {
  readonly name: string;
  readonly key: string;
}

export interface D2Options {
  readonly dnsPort: number;
  readonly keys: readonly D2Key[];
  readonly forward: readonly D2Domain[];
  readonly reverse: readonly D2Domain[];
}

/** What a DHCP server knows of a lease that came or went. */
export interface Lease {
  readonly change: "add" | "remove";
  readonly fqdn: string;
  readonly address: string;
  /** Hexadecimal. */
  readonly dhcid: string;
  readonly directions?: "both" | "forward" | "reverse";
  readonly isConflictChecked?: boolean;
}

export class KeaD2 {
  readonly #port: number;
  readonly #daemon: Daemon;

  private constructor(port: number, daemon: Daemon) {
    this.#port = port;
    this.#daemon = daemon;
  }

  static async start(options: D2Options): Promise<KeaD2> {
    const directory = mkdtempSync(join(tmpdir(), "windhover-kea-"));
    const port = await freePort();
    const config = join(directory, "d2.json");
    writeFileSync(config, JSON.stringify({ DhcpDdns: configuration(options, port) }));
    const env = {
      KEA_PIDFILE_DIR: directory,
      KEA_LOCKFILE_DIR: directory,
      KEA_LOGGER_DESTINATION: directory,
    };
    const daemon = new Daemon("kea-dhcp-ddns", ["-c", config], { env });
    await until("kea-dhcp-ddns to listen", () => {
      if (!daemon.isRunning) throw new Error(`kea-dhcp-ddns ended:\n${daemon.output}`);
      return daemon.output.includes("DHCP_DDNS_QUEUE_MGR_STARTED");
    });
    return new KeaD2(port, daemon);
  }

  /** Each update that D2 sent with the rcode or failure it saw, and the outcome it logged last. */
  async tell(lease: Lease): Promise<string[]> {
    const before = this.#daemon.output.length;
    const logged = () => this.#daemon.output.slice(before);
    await this.#send(nameChangeRequest(lease));
    await until("D2 to be done", () => OUTCOME.test(logged()), 60_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${logged()}`);
    });
    return [...logged().matchAll(EVENT)].map(
      ([, sent, status, rcode, outcome]) => sent ?? outcome ?? (rcode || status) ?? "",
    );
  }

  async stop(): Promise<void> {
    await this.#daemon.end();
  }

  #send(json: string): Promise<void> {
    const text = Buffer.from(json);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(text.length);
    const socket = createSocket("udp4");
    return new Promise((resolve, reject) => {
      socket.send(Buffer.concat([length, text]), this.#port, "127.0.0.1", (error) => {
        socket.close();
        if (error === null) resolve();
        else reject(error);
      });
    });
  }
}

const OUTCOME = /DHCP_DDNS_(?:ADD|REMOVE)_(?:SUCCEEDED|FAILED)/;
const EVENT =
  /UPDATE_REQUEST_SENT Request ID \w+: (.+?) to server|RESPONSE_RECEIVED .* status: (\w+),? rcode: ?(\w*)|DHCP_DDNS_((?:ADD|REMOVE)_(?:SUCCEEDED|FAILED))/g;

function nameChangeRequest(lease: Lease): string {
  const directions = lease.directions ?? "both";
  return JSON.stringify({
    "change-type": lease.change === "add" ? 0 : 1,
    "forward-change": directions !== "reverse",
    "reverse-change": directions !== "forward",
    fqdn: lease.fqdn,
    "ip-address": lease.address,
    dhcid: lease.dhcid,
    "lease-expires-on": "20301121000000",
    "lease-length": 1200,
    "use-conflict-resolution": lease.isConflictChecked ?? true,
  });
}

function configuration(options: D2Options, port: number): object {
  const domains = (list: readonly D2Domain[]) => ({
    "ddns-domains": list.map(({ name, key }) => ({
      name: `${name}.`,
      "key-name": key,
      "dns-servers": [{ "ip-address": "127.0.0.1", port: options.dnsPort }],
    })),
  });
  const logger = (name: string) => ({
    name,
    severity: "DEBUG",
    debuglevel: 99,
    output_options: [{ output: "stdout", pattern: "%-5p %m\n" }],
  });
  return {
    "ip-address": "127.0.0.1",
    port,
    "dns-server-timeout": 10_000,
    "tsig-keys": options.keys,
    "forward-ddns": domains(options.forward),
    "reverse-ddns": domains(options.reverse),
    loggers: ["kea-dhcp-ddns.d2-to-dns", "kea-dhcp-ddns.dhcpddns"].map(logger),
  };
}
