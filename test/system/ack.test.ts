/**
 * A query sent after an update was acknowledged never sees what was there before, whichever worker gets it: real
 * sockets, so many that every worker has some of them, all asking at once when the acknowledgement comes.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { loadLibc } from "../../src/server/native/libc.ts";
import { Class, Opcode, Type } from "../../src/wire/code-points.ts";
import { type Message, makeQuery, readMessage, writeMessage } from "../../src/wire/message.ts";
import { parseName } from "../../src/wire/name.ts";
import { signTsig, type TsigKey } from "../../src/wire/tsig.ts";
import { EXAMPLE, ORIGIN, SECRET } from "./harness/example.ts";
import { Windhover } from "./harness/windhover.ts";

const UPDATES = 150;
/** The kernel spreads sockets by their ports: with four workers all but one in a hundred million runs reach each. */
const SOCKETS = 64;
const ANSWER_MS = 10_000;

const HOME = parseName(`home.${ORIGIN}`);
const ZONE = parseName(ORIGIN);
const KEY: TsigKey = {
  name: parseName("key-sha256"),
  algorithm: "hmac-sha256",
  secret: new Uint8Array(Buffer.from(SECRET, "base64")),
};

let server: Windhover | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await server?.stop();
});

async function openSocket(): Promise<Socket> {
  const socket = createSocket("udp4");
  sockets.push(socket);
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

async function exchange(socket: Socket, port: number, message: Uint8Array): Promise<Message> {
  const answered = once(socket, "message", { signal: AbortSignal.timeout(ANSWER_MS) });
  socket.send(message, port, "127.0.0.1");
  const [reply] = (await answered) as [Buffer];
  return readMessage(new Uint8Array(reply));
}

function write(message: Message, sign: boolean): Uint8Array {
  const bytes = new Uint8Array(512);
  const length = writeMessage(message, bytes);
  const nowSeconds = Math.floor(Date.now() / 1_000);
  return bytes.slice(0, sign ? signTsig({ message: bytes, length, key: KEY, nowSeconds }) : length);
}

/** Replaces home's address. */
function updateMessage(id: number, rdata: Uint8Array): Uint8Array {
  const old = { owner: HOME, rrtype: Type.A, class: Class.any, ttl: 0, rdata: new Uint8Array() };
  const fresh = { owner: HOME, rrtype: Type.A, class: Class.in, ttl: 60, rdata };
  const question = makeQuery({ id, name: ZONE, qtype: Type.SOA });
  return write({ ...question, opcode: Opcode.update, authorities: [old, fresh] }, true);
}

async function updateByHttp(running: Windhover, rdata: Uint8Array): Promise<boolean> {
  const url = running.url(`/nic/update?hostname=home.${ORIGIN}&myip=${rdata.join(".")}`);
  const authorization = `Basic ${Buffer.from("alice:alices-secret").toString("base64")}`;
  return /^good /.test(await (await fetch(url, { headers: { authorization } })).text());
}

const isNative = "libc" in (await loadLibc());
const query = write(makeQuery({ id: 1, name: HOME, qtype: Type.A }), false);

describe.each([
  ["native", 1],
  ["native", 2],
  ["native", 3],
  ["native", 4],
  ["dgram", 1],
] as const)("%s port, %i workers", (port, workers) => {
  test.skipIf(port === "native" && !isNative)("no old answer after an ack", async () => {
    const running = await Windhover.start({ ...EXAMPLE, dns: { port, workers } });
    server = running;
    const updating = await openSocket();
    const asking = await Promise.all(Array.from({ length: SOCKETS }, openSocket));
    for (let number = 1; number <= UPDATES; number++) {
      const rdata = Uint8Array.of(10, workers, number >> 8, number);
      if (number % 3 === 0) {
        expect(await updateByHttp(running, rdata)).toBe(true);
      } else {
        const ack = await exchange(updating, running.dnsPort, updateMessage(number, rdata));
        expect(ack.rcode).toBe(0);
      }
      const answers = await Promise.all(
        asking.map((socket) => exchange(socket, running.dnsPort, query)),
      );
      for (const { answers: records } of answers) {
        expect(records.map((record) => [...record.rdata])).toEqual([[...rdata]]);
      }
    }
  });
});
