/**
 * Signed RFC 2136 updates over UDP, a fixed number in flight: each answer lets the next one go. Every update sets
 * another host, so that none is a no-op. An answer that does not come in time counts as lost and is replaced.
 */
import { createSocket, type Socket } from "node:dgram";
import { Class, Opcode, Type } from "../src/wire/code-points.ts";
import { writeMessage } from "../src/wire/message.ts";
import { parseName } from "../src/wire/name.ts";
import { signTsig, type TsigKey } from "../src/wire/tsig.ts";
import type { BenchZone, RunningServer } from "./server.ts";

export interface UpdateRun {
  readonly perSecond: number;
  readonly refused: number;
  readonly lost: number;
  /** Microseconds of the server's CPU for each acknowledged update. */
  readonly cpuMicroseconds: number;
}

export interface UpdateLoad {
  readonly inFlight: number;
  readonly seconds: number;
  /** Apart for each run, so that no run repeats what another did. */
  readonly run: string;
}

const LOST_MS = 5_000;

export async function measureUpdates(
  server: RunningServer,
  zone: BenchZone,
  load: UpdateLoad,
): Promise<UpdateRun> {
  const generator = new UpdateGenerator(server.port, zone, load);
  const before = server.cpuSeconds();
  const { acknowledged, refused, lost, seconds } = await generator.run();
  const cpu = server.cpuSeconds() - before;
  return {
    perSecond: acknowledged / seconds,
    refused,
    lost,
    cpuMicroseconds: (cpu * 1e6) / Math.max(acknowledged, 1),
  };
}

class UpdateGenerator {
  readonly #socket: Socket;
  readonly #port: number;
  readonly #zone: BenchZone;
  readonly #load: UpdateLoad;
  readonly #key: TsigKey;
  readonly #buffer = new Uint8Array(1_024);
  /** Message id → when it was sent. */
  readonly #waiting = new Map<number, number>();
  #sent = 0;
  #acknowledged = 0;
  #refused = 0;
  #lost = 0;
  #isOver = false;

  constructor(port: number, zone: BenchZone, load: UpdateLoad) {
    this.#socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
    this.#port = port;
    this.#zone = zone;
    this.#load = load;
    this.#key = {
      name: parseName(zone.keyName),
      algorithm: "hmac-sha256",
      secret: new Uint8Array(Buffer.from(zone.secret, "base64")),
    };
  }

  async run() {
    await new Promise<void>((bound) => this.#socket.bind(0, "127.0.0.1", bound));
    this.#socket.on("message", (answer) => this.#take(answer));
    const started = performance.now();
    for (let at = 0; at < this.#load.inFlight; at++) this.#send();
    const sweeper = setInterval(() => this.#replaceLost(), 500);
    await new Promise((resolve) => setTimeout(resolve, this.#load.seconds * 1_000));
    this.#isOver = true;
    const seconds = (performance.now() - started) / 1_000;
    clearInterval(sweeper);
    this.#socket.close();
    const { acknowledged, refused, lost } = {
      acknowledged: this.#acknowledged,
      refused: this.#refused,
      lost: this.#lost,
    };
    return { acknowledged, refused, lost, seconds };
  }

  #send(): void {
    const number = this.#sent++;
    const id = number & 0xffff;
    const length = this.#writeUpdate(id, number);
    this.#waiting.set(id, performance.now());
    this.#socket.send(Buffer.from(this.#buffer.subarray(0, length)), this.#port, "127.0.0.1");
  }

  #writeUpdate(id: number, number: number): number {
    const origin = parseName(this.#zone.origin);
    const host = `u${number}-${this.#load.run}`;
    const rdata = Uint8Array.of(10, number >> 16, number >> 8, number);
    const length = writeMessage(
      {
        id,
        flags: 0,
        opcode: Opcode.update,
        rcode: 0,
        questions: [{ name: origin, wireName: origin, qtype: Type.SOA, qclass: Class.in }],
        answers: [],
        authorities: [
          { owner: parseName(host, origin), rrtype: Type.A, class: Class.in, ttl: 60, rdata },
        ],
        additionals: [],
      },
      this.#buffer,
    );
    const nowSeconds = Math.floor(Date.now() / 1_000);
    return signTsig({ message: this.#buffer, length, key: this.#key, nowSeconds });
  }

  #take(answer: Uint8Array): void {
    const id = ((answer[0] as number) << 8) | (answer[1] as number);
    if (!this.#waiting.delete(id) || this.#isOver) return;
    if (((answer[3] as number) & 15) === 0) this.#acknowledged++;
    else this.#refused++;
    this.#send();
  }

  #replaceLost(): void {
    const oldest = performance.now() - LOST_MS;
    for (const [id, sent] of this.#waiting) {
      if (sent > oldest) continue;
      this.#waiting.delete(id);
      this.#lost++;
      this.#send();
    }
  }
}
