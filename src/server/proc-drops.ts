/**
 * Datagrams that the kernel dropped because a socket's buffer was full, from /proc/net/udp: for sockets whose
 * descriptors we do not have. Elsewhere than on Linux nobody says, and it counts none.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ADDRESS_LENGTH, readAddress } from "../base/address-octets.ts";
import type { SocketAddress } from "../base/socket-address.ts";

const FILES = ["udp", "udp6"] as const;
/** Columns of a line: the local address; the count is the last. */
const LOCAL = 1;

export class ProcDrops {
  readonly #directory: string;
  /** By local address as /proc spells it: the count that was seen last. */
  readonly #seen: Map<string, number>;

  constructor(addresses: readonly SocketAddress[], directory = "/proc/net") {
    this.#directory = directory;
    this.#seen = new Map(addresses.map((each) => [procAddress(each), 0]));
  }

  /** Those dropped since it was asked last. Never rejects. */
  async count(): Promise<number> {
    let dropped = 0;
    for (const file of FILES) {
      const text = await readFile(join(this.#directory, file), "latin1").catch(() => "");
      for (const line of text.split("\n")) dropped += this.#countLine(line.trim().split(/\s+/));
    }
    return dropped;
  }

  #countLine(columns: readonly string[]): number {
    const local = columns[LOCAL] ?? "";
    const seen = this.#seen.get(local);
    if (seen === undefined) return 0;
    const now = Number(columns.at(-1));
    this.#seen.set(local, now);
    // A socket that took another's place counts from the beginning.
    return now < seen ? now : now - seen;
  }
}

/** Words of four octets in the machine's order, which is little-endian, and the port, in hexadecimal. */
function procAddress({ address, port }: SocketAddress): string {
  const octets = new Uint8Array(ADDRESS_LENGTH);
  const length = readAddress(address, octets, 0);
  let text = "";
  for (let word = 0; word < length; word += 4) {
    for (let octet = word + 3; octet >= word; octet--) text += hex(octets[octet] as number, 2);
  }
  return `${text}:${hex(port, 4)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}
