/** dyndns2 updates over HTTP keep-alive with a token, a fixed number of connections, one request on each at a time. */
import { Agent, request } from "node:http";
import type { BenchZone, RunningServer } from "./server.ts";
import type { UpdateRun } from "./update-load.ts";

export interface HttpLoad {
  readonly connections: number;
  readonly seconds: number;
  /** False: every call repeats the same address (`nochg`). */
  readonly isChanging: boolean;
}

export async function measureHttp(
  server: RunningServer,
  zone: BenchZone,
  load: HttpLoad,
): Promise<UpdateRun> {
  const agent = new Agent({ keepAlive: true, maxSockets: load.connections });
  const tally = { acknowledged: 0, refused: 0 };
  const before = server.cpuSeconds();
  const started = performance.now();
  const deadline = started + load.seconds * 1_000;
  const connections = Array.from({ length: load.connections }, async (_, connection) => {
    for (let step = 0; performance.now() < deadline; step++) {
      const address = load.isChanging
        ? `10.${connection}.${(step >> 8) & 255}.${step & 255}`
        : "10.0.0.1";
      const reply = await update(agent, server, `w${connection}.${zone.origin}`, address);
      if (/^(good|nochg) /.test(reply)) tally.acknowledged++;
      else tally.refused++;
    }
  });
  await Promise.all(connections);
  agent.destroy();
  const seconds = (performance.now() - started) / 1_000;
  const cpu = server.cpuSeconds() - before;
  return {
    perSecond: tally.acknowledged / seconds,
    refused: tally.refused,
    lost: 0,
    cpuMicroseconds: (cpu * 1e6) / Math.max(tally.acknowledged, 1),
  };
}

function update(
  agent: Agent,
  server: RunningServer,
  host: string,
  address: string,
): Promise<string> {
  const authorization = `Basic ${Buffer.from("bench:bench-token").toString("base64")}`;
  const path = `/nic/update?hostname=${host}&myip=${address}`;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { agent, host: "127.0.0.1", port: server.httpPort, path, headers: { authorization } },
      (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += String(chunk);
        });
        response.on("end", () => resolve(text));
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}
