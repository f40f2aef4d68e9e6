/**
 * Signed RFC 2136 updates over UDP, a fixed number in flight: each answer lets the next one go, at once or when its
 * time has come. Every update sets another host, so that none is a no-op. An answer that does not come in time counts
 * as lost and is replaced.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { Class, Opcode, Type } from "../src/wire/code-points.ts";
import { writeMessage } from "../src/wire/message.ts";
import { parseName } from "../src/wire/name.ts";
import { signTsig, type TsigKey } from "../src/wire/tsig.ts";
import { DatagramClient } from "./datagram-client.ts";
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
  /** Without it as many as are acknowledged. */
  readonly perSecond?: number;
}

const LOST_MS = 5_000;
const SWEEP_MS = 500;
/** Milliseconds for which answers are waited for before anything else has its turn. */
const WAIT_MS = 1;
/** Updates for each second that are written and signed before the first is sent; what more is wanted is made then. */
const PREPARED_PER_SECOND = 40_000;
const PREPARED_ONE_BY_ONE = 5_000;

export async function measureUpdates(
  server: Pick<RunningServer, "port" | "cpuSeconds">,
  zone: BenchZone,
  load: UpdateLoad,
): Promise<UpdateRun> {
  const client = await DatagramClient.open(server.port);
  const generator = new UpdateGenerator(client, new UpdateWriter(zone, load.run), load);
  const before = server.cpuSeconds();
  const { acknowledged, refused, lost, seconds } = await generator.run();
  const cpu = server.cpuSeconds() - before;
  client.close();
  return {
    perSecond: acknowledged / seconds,
    refused,
    lost,
    cpuMicroseconds: (cpu * 1e6) / Math.max(acknowledged, 1),
  };
}

const hostLabel = (number: number, run: string) => `u${number}-${run}`;
const address = (number: number) => [10, (number >> 16) & 255, (number >> 8) & 255, number & 255];

/** Writes the update that sets host `number` of a run. */
export class UpdateWriter {
  readonly #zone: BenchZone;
  readonly #run: string;
  readonly #key: TsigKey;
  readonly #buffer = new Uint8Array(1_024);

  constructor(zone: BenchZone, run: string) {
    this.#zone = zone;
    this.#run = run;
    this.#key = {
      name: parseName(zone.keyName),
      algorithm: "hmac-sha256",
      secret: new Uint8Array(Buffer.from(zone.secret, "base64")),
    };
  }

  /** The name that update `number` sets. */
  host(number: number): string {
    return `${hostLabel(number, this.#run)}.${this.#zone.origin}`;
  }

  write(id: number, number: number): Uint8Array {
    const origin = parseName(this.#zone.origin);
    const owner = parseName(this.host(number));
    const rdata = Uint8Array.from(address(number));
    const length = writeMessage(
      {
        id,
        flags: 0,
        opcode: Opcode.update,
        rcode: 0,
        questions: [{ name: origin, wireName: origin, qtype: Type.SOA, qclass: Class.in }],
        answers: [],
        authorities: [{ owner, rrtype: Type.A, class: Class.in, ttl: 60, rdata }],
        additionals: [],
      },
      this.#buffer,
    );
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const end = signTsig({ message: this.#buffer, length, key: this.#key, nowSeconds });
    return Buffer.from(this.#buffer.subarray(0, end));
  }
}

/** The same updates in dnsperf's form. */
export function writeUpdateFile(path: string, zone: BenchZone, run: string, count: number): void {
  const file = openSync(path, "w");
  let lines = "";
  for (let number = 0; number < count; number++) {
    const host = hostLabel(number, run);
    lines += `${zone.origin}\nadd ${host} 60 A ${address(number).join(".")}\nsend\n`;
    if (lines.length < 1 << 20 && number < count - 1) continue;
    writeSync(file, lines);
    lines = "";
  }
  closeSync(file);
}

class UpdateGenerator {
  readonly #client: DatagramClient;
  readonly #writer: UpdateWriter;
  readonly #load: UpdateLoad;
  /** Message id → when it was sent. */
  readonly #waiting = new Map<number, number>();
  readonly #prepared: readonly Uint8Array[];
  #startedMs = 0;
  #sent = 0;
  #acknowledged = 0;
  #refused = 0;
  #lost = 0;

  constructor(client: DatagramClient, writer: UpdateWriter, load: UpdateLoad) {
    this.#client = client;
    this.#writer = writer;
    this.#load = load;
    const most = load.inFlight === 1 ? PREPARED_ONE_BY_ONE : PREPARED_PER_SECOND;
    const count = load.seconds * Math.min(load.perSecond ?? Infinity, most);
    this.#prepared = Array.from({ length: count }, (_, number) =>
      writer.write(number & 0xffff, number),
    );
  }

  /** Between two waits everything else in this process has its turn. */
  async run() {
    this.#startedMs = performance.now();
    const endMs = this.#startedMs + this.#load.seconds * 1_000;
    let sweepMs = this.#startedMs;
    for (;;) {
      const nowMs = performance.now();
      if (nowMs >= endMs) break;
      if (nowMs - sweepMs > SWEEP_MS) {
        this.#replaceLost();
        sweepMs = nowMs;
      }
      this.#fill();
      this.#client.receive(WAIT_MS, this.#take);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const seconds = (performance.now() - this.#startedMs) / 1_000;
    return {
      acknowledged: this.#acknowledged,
      refused: this.#refused,
      lost: this.#lost,
      seconds,
    };
  }

  /** Sends what may be on its way by now. */
  #fill(): void {
    const { inFlight, perSecond = Infinity } = this.#load;
    const nowMs = performance.now();
    const due = ((nowMs - this.#startedMs) / 1_000) * perSecond;
    while (this.#waiting.size < inFlight && this.#sent < due) this.#send(nowMs);
    this.#client.flush();
  }

  #send(nowMs: number): void {
    const number = this.#sent++;
    const id = number & 0xffff;
    this.#waiting.set(id, nowMs);
    this.#client.send(this.#prepared[number] ?? this.#writer.write(id, number));
  }

  readonly #take = (answer: Uint8Array): void => {
    const id = ((answer[0] as number) << 8) | (answer[1] as number);
    if (!this.#waiting.delete(id)) return;
    if (((answer[3] as number) & 15) === 0) this.#acknowledged++;
    else this.#refused++;
  };

  #replaceLost(): void {
    const oldest = performance.now() - LOST_MS;
    for (const [id, sent] of this.#waiting) {
      if (sent > oldest) continue;
      this.#waiting.delete(id);
      this.#lost++;
    }
  }
}
