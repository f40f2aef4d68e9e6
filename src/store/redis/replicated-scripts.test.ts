/** Against a Redis that forgets scripts as often as a test wants; the real one is in `test/store`. */
import { createServer, type Server, type Socket } from "node:net";
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import { Limits } from "../../base/limits.ts";
import { ReplicatedScripts } from "./replicated-scripts.ts";

const SCRIPT = { lua: "return 1", keys: ["k"], args: [] };

let server: Server | undefined;
let scripts: ReplicatedScripts | undefined;
const sockets: Socket[] = [];

afterEach(() => {
  scripts?.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

/** Each command comes as `*<words>`, then a length and the text of each word, a line each. */
async function forgetting(times: number): Promise<{ readonly sent: string[] }> {
  const sent: string[] = [];
  const answer = (command: string) => {
    const word = (command.split("\r\n")[2] as string).toLowerCase();
    if (word === "wait") return ":1\r\n";
    if (!word.startsWith("eval")) return "+OK\r\n";
    sent.push(word);
    return sent.length > times ? ":7\r\n" : "-NOSCRIPT No matching script\r\n";
  };
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("data", (chunk) => {
      const commands = chunk
        .toString()
        .split(/^\*(?=\d+\r\n)/m)
        .slice(1);
      socket.write(commands.map(answer).join(""));
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const settings = { host: "127.0.0.1", port, lazyConnect: true, enableReadyCheck: false };
  const client = new Redis({ ...settings, retryStrategy: () => null });
  scripts = new ReplicatedScripts(client, false, { replicas: 1, waitMs: 100 });
  await scripts.connect();
  return { sent };
}

test("a script that is not known is sent whole, as often as the bound says", async () => {
  const { sent } = await forgetting(Limits.redisRedirections);
  expect(await scripts?.run(SCRIPT)).toEqual({ reply: 7, unconfirmed: undefined });
  expect(sent.slice(0, 3)).toEqual(["evalsha", "eval", "eval"]);
  expect(sent).toHaveLength(Limits.redisRedirections + 1);
});

test("once more, and what Redis says is the outcome", async () => {
  const { sent } = await forgetting(Limits.redisRedirections + 1);
  await expect(scripts?.run(SCRIPT)).rejects.toThrow("NOSCRIPT");
  expect(sent).toHaveLength(Limits.redisRedirections + 1);
});
