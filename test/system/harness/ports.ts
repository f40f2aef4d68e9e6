/** Loopback ports that are free for UDP and TCP alike. */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

let next = 20_000 + (process.pid % 500) * 20;

export async function freePort(address = "127.0.0.1"): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = next++;
    if ((await isFreeTcp(address, port)) && (await isFreeUdp(address, port))) return port;
  }
  throw new Error("no free port among 200");
}

function isFreeTcp(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, address, () => server.close(() => resolve(true)));
  });
}

function isFreeUdp(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.once("error", () => {
      socket.close();
      resolve(false);
    });
    socket.bind(port, address, () => socket.close(() => resolve(true)));
  });
}
