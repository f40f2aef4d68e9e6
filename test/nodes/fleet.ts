/** Three nodes on one Redis, each behind a link of its own that can be cut, silenced and slowed. */
import type { Outcome } from "../system/harness/program.ts";
import { Windhover } from "../system/harness/windhover.ts";
import { fleetConfig, ORIGINS } from "./fleet-config.ts";
import { Link } from "./tcp-proxy.ts";

export interface Node {
  readonly name: string;
  readonly server: Windhover;
  readonly link: Link;
}

/** The Redis that all of them use. */
export interface Shared {
  readonly url: string;
  /** What a node may connect to. */
  readonly ports: readonly number[];
  readonly waitReplicas: number;
}

export class Fleet {
  readonly nodes: readonly Node[];

  private constructor(nodes: readonly Node[]) {
    this.nodes = nodes;
  }

  static async start({ url, ports, waitReplicas }: Shared, count: number): Promise<Fleet> {
    const nodes: Node[] = [];
    for (let at = 0; at < count; at++) {
      const link = await Link.to(ports);
      const server = await Windhover.start(fleetConfig(link.url(url), waitReplicas));
      nodes.push({ name: `node ${at}`, server, link });
    }
    return new Fleet(nodes);
  }

  async stop(): Promise<void> {
    for (const { server } of this.nodes) await server.stop();
    for (const { link } of this.nodes) await link.close();
  }
}

/** Origin → the zone's text as this node has it. */
export async function exportZones({ server, name }: Node): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const origin of ORIGINS) {
    const { status, stdout, stderr }: Outcome = await server.cliAsync("zone", "export", origin);
    if (status !== 0) throw new Error(`${name} does not export ${origin}: ${stderr}`);
    texts.set(origin, stdout);
  }
  return texts;
}

/** Owner without its last dot → addresses. */
export function addressesOf(text: string): Map<string, Set<string>> {
  const owners = new Map<string, Set<string>>();
  for (const [, owner, address] of text.matchAll(/^(\S+)\.\s+\d+ IN A\s+(\S+)$/gm)) {
    const found = owners.get(owner as string) ?? new Set();
    owners.set(owner as string, found.add(address as string));
  }
  return owners;
}

/** Where two texts part, in a line or two. */
export function firstDifference(here: string, there: string): string {
  const [a, b] = [here.split("\n"), there.split("\n")];
  const at = a.findIndex((line, index) => line !== b[index]);
  return `line ${at + 1} of ${a.length} and ${b.length}: "${a[at]}" and "${b[at]}"`;
}
