/**
 * A client that updates names of its own and some that all share, one update after the other, through one door: signed
 * RFC 2136 over UDP or TCP, or dyndns2 over HTTP. When a node refuses or is silent it turns to the next, as a router
 * with several servers does, and never sends the same again.
 */
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Class, Opcode, Type } from "../../src/wire/code-points.ts";
import { writeMessage } from "../../src/wire/message.ts";
import { parseName } from "../../src/wire/name.ts";
import { signTsig } from "../../src/wire/tsig.ts";
import { KEY, ORIGINS, USER } from "./fleet-config.ts";
import type { Change, Ledger } from "./ledger.ts";

/** Where a node takes updates. */
export interface Doors {
  readonly dnsPort: number;
  readonly httpPort: number;
}

const ANSWER_MS = 5_000;
const OWN_NAMES = 20;
/** Addresses that one client adds to a shared owner before it goes on to the next: some hundreds in all. */
const SHARED_ROUND = 8;
/** After a refusal, so that a node in trouble is not asked as fast as it can refuse. */
const PAUSE_MS = 50;

export interface ClientPlan {
  readonly client: number;
  readonly doors: readonly Doors[];
  readonly ledger: Ledger;
  /** Milliseconds between two updates. */
  readonly paceMs: number;
  readonly isOver: () => boolean;
}

export async function runClient(plan: ClientPlan): Promise<void> {
  const { client, doors, ledger, paceMs, isOver } = plan;
  const door = newDoor(client);
  let node = client % doors.length;
  for (let number = 0; !isOver(); number++) {
    const change = nextChange(client, number);
    const sentMs = performance.now();
    const isAcknowledged = await door.send(doors[node] as Doors, change, number);
    ledger.note(change, sentMs, isAcknowledged);
    if (!isAcknowledged) node = (node + 1) % doors.length;
    const pauseMs = isAcknowledged ? paceMs - (performance.now() - sentMs) : PAUSE_MS;
    if (pauseMs > 0) await sleep(pauseMs);
  }
  door.close();
}

/** dyndns2 can only set; the others add to a shared owner every fourth time. */
function nextChange(client: number, number: number): Change {
  const origin = ORIGINS[Math.floor(client / 3) % ORIGINS.length] as string;
  const address = `10.${client}.${(number >> 8) & 255}.${number & 255}`;
  if (doorOf(client) === "http" || number % 4 !== 0) {
    return { way: "set", origin, owner: `h${number % OWN_NAMES}.c${client}.${origin}`, address };
  }
  const shared = Math.floor(number / 4 / SHARED_ROUND);
  return { way: "add", origin, owner: `shared${shared}.${origin}`, address };
}

const DOORS = ["udp", "tcp", "http"] as const;
const doorOf = (client: number) => DOORS[client % DOORS.length];

/** One way in. Whatever is no acknowledgement counts as none. */
interface Door {
  send(doors: Doors, change: Change, number: number): Promise<boolean>;
  close(): void;
}

function newDoor(client: number): Door {
  const way = doorOf(client);
  if (way === "udp") return new UdpDoor();
  return way === "tcp" ? new TcpDoor() : new HttpDoor();
}

class UdpDoor implements Door {
  readonly #socket: Datagrams = createSocket("udp4");
  #hear: ((answer: Buffer) => void) | undefined;

  constructor() {
    this.#socket.on("message", (answer) => this.#hear?.(answer));
    this.#socket.on("error", () => {});
  }

  async send({ dnsPort }: Doors, change: Change, number: number): Promise<boolean> {
    const id = number & 0xffff;
    this.#socket.send(signedUpdate(id, change), dnsPort, "127.0.0.1");
    return bounded((resolve) => {
      this.#hear = (answer) => {
        if (answer.readUInt16BE(0) === id) resolve(isNoError(answer));
      };
    });
  }

  close(): void {
    this.#socket.close();
  }
}

class TcpDoor implements Door {
  #socket: Socket | undefined;
  #port = 0;

  async send({ dnsPort }: Doors, change: Change, number: number): Promise<boolean> {
    const socket = await this.#connected(dnsPort);
    if (socket === undefined) return false;
    const message = signedUpdate(number & 0xffff, change);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    socket.write(Buffer.concat([length, message]));
    const isAcknowledged = await bounded((resolve) => {
      let heard = Buffer.alloc(0);
      socket.on("data", (chunk: Buffer) => {
        heard = Buffer.concat([heard, chunk]);
        const isWhole = heard.length > 2 && heard.length >= 2 + heard.readUInt16BE(0);
        if (isWhole) resolve(isNoError(heard.subarray(2)));
      });
      socket.once("close", () => resolve(false));
    });
    socket.removeAllListeners("data").removeAllListeners("close");
    if (!isAcknowledged) this.close();
    return isAcknowledged;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #connected(port: number): Promise<Socket | undefined> {
    if (this.#port === port && this.#socket?.destroyed === false) return this.#socket;
    this.close();
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.on("error", () => {});
    const isConnected = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "close").then(() => false),
    ]).catch(() => false);
    if (!isConnected) return undefined;
    this.#socket = socket;
    this.#port = port;
    return socket;
  }
}

class HttpDoor implements Door {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  send({ httpPort }: Doors, { owner, address }: Change): Promise<boolean> {
    const path = `/nic/update?hostname=${owner}&myip=${address}`;
    const authorization = `Basic ${Buffer.from(`${USER.name}:${USER.token}`).toString("base64")}`;
    const options = { agent: this.#agent, host: "127.0.0.1", port: httpPort, path };
    return bounded((resolve) => {
      const outgoing = request({ ...options, headers: { authorization } }, (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += String(chunk);
        });
        response.on("end", () => resolve(/^(good|nochg) /.test(text)));
        response.on("error", () => resolve(false));
      });
      outgoing.setTimeout(ANSWER_MS, () => outgoing.destroy());
      outgoing.on("error", () => resolve(false));
      outgoing.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** False when nothing resolves it in time. */
function bounded(start: (resolve: (value: boolean) => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ANSWER_MS);
    start((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

const isNoError = (answer: Uint8Array) => ((answer[3] as number) & 15) === 0;

export function signedUpdate(id: number, { way, origin, owner, address }: Change): Uint8Array {
  const buffer = new Uint8Array(1_024);
  const zone = parseName(origin);
  const rr = { owner: parseName(owner), rrtype: Type.A };
  const rdata = Uint8Array.from(address.split(".").map(Number));
  const added = { ...rr, class: Class.in, ttl: 60, rdata };
  const emptied = { ...rr, class: Class.any, ttl: 0, rdata: new Uint8Array() };
  const length = writeMessage(
    {
      ...{ id, flags: 0, opcode: Opcode.update, rcode: 0 },
      questions: [{ name: zone, wireName: zone, qtype: Type.SOA, qclass: Class.in }],
      answers: [],
      authorities: way === "set" ? [emptied, added] : [added],
      additionals: [],
    },
    buffer,
  );
  const key = {
    name: parseName(KEY.name),
    algorithm: KEY.algorithm,
    secret: new Uint8Array(Buffer.from(KEY.secret, "base64")),
  };
  const nowSeconds = Math.floor(Date.now() / 1_000);
  return buffer.slice(0, signTsig({ message: buffer, length, key, nowSeconds }));
}

/** One update over UDP from a socket of its own: whether it was acknowledged. */
export async function probe(doors: Doors, change: Change): Promise<boolean> {
  const door = new UdpDoor();
  try {
    return await door.send(doors, change, 1);
  } finally {
    door.close();
  }
}
