/**
 * Asks one node all the time: a name that never changes, and the SOA of each zone. Notes what was not answered, or not
 * rightly, while the node was alive, and each serial that went back.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Type } from "../../src/wire/code-points.ts";
import { type Message, makeQuery, readMessage, writeMessage } from "../../src/wire/message.ts";
import { parseName } from "../../src/wire/name.ts";
import { FIXED, ORIGINS } from "./fleet-config.ts";

/** A datagram may be lost on the way; three in a row, each with so much time, are a server that does not answer. */
const TRIES = 3;
const ANSWER_MS = 4_000;
const PAUSE_MS = 5;

export class QueryWatch {
  readonly complaints: string[] = [];
  readonly serials = new Map<string, number>();
  answered = 0;
  askedAgain = 0;
  longestMs = 0;
  readonly #name: string;
  readonly #port: number;
  readonly #socket: Socket = createSocket("udp4");
  #hear: ((answer: Buffer) => void) | undefined;
  #id = 0;
  #isLive = true;
  #isOver = false;
  #ended: Promise<void>;

  constructor(name: string, port: number) {
    this.#name = name;
    this.#port = port;
    this.#socket.on("message", (answer) => this.#hear?.(answer));
    this.#socket.on("error", () => {});
    this.#ended = this.#run();
  }

  /** From now on silence is no fault: the node is being killed. */
  pause(): void {
    this.#isLive = false;
  }

  resume(): void {
    this.#isLive = true;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#ended;
    this.#socket.close();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      for (const origin of ORIGINS) {
        if (this.#isLive) await this.#check(origin);
      }
      await sleep(PAUSE_MS);
    }
  }

  async #check(origin: string): Promise<void> {
    const fixed = await this.#ask(`${FIXED.label}.${origin}`, Type.A);
    if (fixed !== undefined && address(fixed) !== FIXED.address) {
      this.#complain(`${FIXED.label}.${origin} is ${address(fixed)}, rcode ${fixed.rcode}`);
    }
    const soa = await this.#ask(origin, Type.SOA);
    if (soa === undefined) return;
    const serial = serialOf(soa);
    const before = this.serials.get(origin) ?? 0;
    if (serial === undefined) this.#complain(`${origin} has no SOA, rcode ${soa.rcode}`);
    else if (serial < before) this.#complain(`${origin}: serial ${serial} after ${before}`);
    else this.serials.set(origin, serial);
  }

  async #ask(name: string, qtype: number): Promise<Message | undefined> {
    const startedMs = performance.now();
    for (let tries = 0; tries < TRIES && this.#isLive; tries++) {
      if (tries > 0) this.askedAgain++;
      const answer = await this.#exchange(name, qtype);
      if (answer === undefined) continue;
      this.answered++;
      this.longestMs = Math.max(this.longestMs, performance.now() - startedMs);
      return answer;
    }
    if (this.#isLive) this.#complain(`${name} was not answered in ${TRIES} times ${ANSWER_MS} ms`);
    return undefined;
  }

  #exchange(text: string, qtype: number): Promise<Message | undefined> {
    this.#id = (this.#id + 1) & 0xffff;
    const id = this.#id;
    const bytes = new Uint8Array(512);
    const query = makeQuery({ id, name: parseName(text), qtype });
    this.#socket.send(bytes.subarray(0, writeMessage(query, bytes)), this.#port, "127.0.0.1");
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), ANSWER_MS);
      this.#hear = (answer) => {
        if (answer.readUInt16BE(0) !== id) return;
        clearTimeout(timer);
        resolve(readMessage(answer));
      };
    });
  }

  #complain(text: string): void {
    if (this.#isLive) this.complaints.push(`${this.#name}: ${text}`);
  }
}

/** The addresses that a name has on the node with this port; undefined when no answer came in time. */
export async function addressAt(port: number, name: string): Promise<string | undefined> {
  const socket = createSocket("udp4");
  const bytes = new Uint8Array(512);
  const query = makeQuery({ id: 1, name: parseName(name), qtype: Type.A });
  socket.send(bytes.subarray(0, writeMessage(query, bytes)), port, "127.0.0.1");
  const answered = once(socket, "message", { signal: AbortSignal.timeout(ANSWER_MS) });
  try {
    return address(readMessage(((await answered) as [Buffer])[0]));
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

function address({ answers }: Message): string {
  return answers.map(({ rdata }) => [...rdata].join(".")).join(" ") || "nothing";
}

/** The five numbers are the end of the rdata; the serial is the first. */
function serialOf({ answers }: Message): number | undefined {
  const rdata = answers[0]?.rdata;
  if (rdata === undefined) return undefined;
  return new DataView(rdata.buffer, rdata.byteOffset, rdata.length).getUint32(rdata.length - 20);
}
