/** A steady stream of dyndns2 updates, each noting what was acknowledged: for tests that break things meanwhile. */
import { Agent, request } from "node:http";
import type { Windhover } from "./windhover.ts";

export interface Acknowledged {
  /** Host label → the last address whose `good` or `nochg` arrived. */
  readonly last: Map<string, string>;
  /** Host label → addresses sent after it that were not acknowledged: each may have been stored or not. */
  readonly unknown: Map<string, string[]>;
  readonly refused: string[];
  count: number;
}

/** What a host may have now: what was acknowledged last, or something sent after it. */
export function possibleAddresses({ last, unknown }: Acknowledged, host: string): string[] {
  return [last.get(host) as string, ...(unknown.get(host) ?? [])];
}

export function newAcknowledged(): Acknowledged {
  return { last: new Map(), unknown: new Map(), refused: [], count: 0 };
}

/** One client updates its own host again and again until told to stop or the bound is reached. */
export async function updateUntil(
  server: Windhover,
  client: number,
  acknowledged: Acknowledged,
  isOver: () => boolean,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const host = `c${client}`;
  for (let step = 1; step < 20_000 && !isOver(); step++) {
    const address = `10.${client}.${step >> 8}.${step & 255}`;
    const reply = await send(agent, server, host, address);
    if (reply !== undefined && /^(good|nochg) /.test(reply)) {
      acknowledged.last.set(host, address);
      acknowledged.unknown.delete(host);
      acknowledged.count++;
      continue;
    }
    acknowledged.unknown.set(host, [...(acknowledged.unknown.get(host) ?? []), address]);
    if (reply !== undefined) acknowledged.refused.push(reply.trim());
    else if (!server.isRunning) break;
  }
  agent.destroy();
}

/** The reply's text, or undefined when the connection broke. */
function send(
  agent: Agent,
  server: Windhover,
  host: string,
  address: string,
): Promise<string | undefined> {
  const path = `/nic/update?hostname=${host}.alice.dyn.example.com&myip=${address}`;
  const authorization = `Basic ${Buffer.from("alice:alices-secret").toString("base64")}`;
  return new Promise((resolve) => {
    const outgoing = request(
      { agent, host: "127.0.0.1", port: server.httpPort, path, headers: { authorization } },
      (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += String(chunk);
        });
        response.on("end", () => resolve(text));
        response.on("error", () => resolve(undefined));
        response.on("aborted", () => resolve(undefined));
      },
    );
    outgoing.on("error", () => resolve(undefined));
    outgoing.end();
  });
}
