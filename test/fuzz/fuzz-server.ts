/**
 * Fuzzes the built program over UDP, TCP and TLS, then asks whether it is alive, sound and no larger than it was: queries,
 * a signed update, its health page, its log, its memory, an orderly stop, and all of it again after a new start.
 */
import { readFileSync } from "node:fs";
import { Class, Rcode, Type } from "../../src/wire/code-points.ts";
import { makeQuery, readMessage } from "../../src/wire/message.ts";
import { parseName } from "../../src/wire/name.ts";
import { makeCertificate } from "../server/certificates.ts";
import { freePort } from "../system/harness/ports.ts";
import { skipWithout } from "../system/harness/program.ts";
import { Windhover } from "../system/harness/windhover.ts";
import { readCorpus } from "./corpus.ts";
import { FUZZ_SECRET, ORIGIN, ZONE_TEXT } from "./hostile-zone.ts";
import { Random } from "./random.ts";
import { messageSeeds, sign, signedSeeds, updateMessage, write } from "./seed-messages.ts";
import { fuzzStream, Ids, type StreamListener, Tally, UdpFuzzClient } from "./server-client.ts";
import { must } from "./target.ts";
import { mutateStream } from "./targets/framing.ts";
import { mutateSigned } from "./targets/tsig.ts";

/** Datagrams sent before the worker is asked whether it has seen them: fewer than its socket's buffer holds. */
const BATCH = 100;
/** One stream for so many batches of datagrams. */
const STREAM_EVERY = 4;
const HEALTH_EVERY = 100;

export interface ServerFuzzOptions {
  readonly seed: number;
  /** Messages to send, about. */
  readonly messages: number;
  readonly onProgress?: (sent: number, rssMib: number) => void;
}

export interface ServerFuzzReport {
  readonly sent: number;
  readonly answered: number;
  readonly silent: number;
  readonly unanswered: number;
  readonly seconds: number;
  /** After a first part of the run, when code is compiled and buffers have found their size. */
  readonly rssMibBefore: number;
  readonly rssMibAfter: number;
  readonly updatesApplied: number;
  /** What the server said at level warn or above. */
  readonly log: string;
  readonly exitStatus: number | null;
}

export interface FuzzedServer {
  readonly server: Windhover;
  /** TCP, and TLS where the system can make a certificate. */
  readonly streams: readonly StreamListener[];
}

/** The program with the hostile zone, a key for all of it, and one of the two datagram ports. */
export async function startFuzzedServer(port: string): Promise<FuzzedServer> {
  const hasTls = !skipWithout("openssl");
  const tlsPort = hasTls ? await freePort() : 0;
  const tls = hasTls
    ? { tls: { listen: [`127.0.0.1:${tlsPort}`], ...makeCertificate("fuzz.test") } }
    : {};
  const server = await Windhover.start({
    dns: { port, ...tls },
    config: {
      log: { level: "warn" },
      zones: [{ origin: "dyn.example.com", file: "hostile.zone" }],
      keys: [
        {
          name: "fuzz-key",
          algorithm: "hmac-sha256",
          secret: FUZZ_SECRET,
          grants: [{ allow: ["update", "transfer"], zone: "dyn.example.com" }],
        },
      ],
    },
    files: { "hostile.zone": ZONE_TEXT },
  });
  const tcp = { port: server.dnsPort, isTls: false };
  return { server, streams: hasTls ? [tcp, { port: tlsPort, isTls: true }] : [tcp] };
}

export async function fuzzServer(
  fuzzed: FuzzedServer,
  options: ServerFuzzOptions,
): Promise<ServerFuzzReport> {
  const { server } = fuzzed;
  const tally = new Tally();
  const started = performance.now();
  const rssMibBefore = await fuzzListeners(fuzzed, options, tally);
  const seconds = (performance.now() - started) / 1000;
  const updatesApplied = await countApplied(server);
  await checkAlive(server, 1);
  const rssMibAfter = residentMib(server.pid);
  const exitStatus = await server.stop();
  const log = server.output;
  await server.launch();
  await checkAlive(server, 2);
  return { ...tally, seconds, rssMibBefore, rssMibAfter, updatesApplied, log, exitStatus };
}

/** Sends what is to be sent; the server's size after a fifth of it. */
async function fuzzListeners(
  { server, streams }: FuzzedServer,
  { seed, messages, onProgress }: ServerFuzzOptions,
  tally: Tally,
): Promise<number> {
  const ids = new Ids();
  const udp = await UdpFuzzClient.open(server.dnsPort, ids, tally);
  const kept = readCorpus("message").map(({ input }) => input);
  const plain = [...messageSeeds(), ...kept];
  let seeds = [...plain, ...signedSeeds(nowSeconds())];
  let rssMibBefore = 0;
  for (let batch = 0; tally.sent < messages; batch++) {
    const random = new Random(seed, batch);
    const now = nowSeconds();
    await udp.batch(Array.from({ length: BATCH }, () => mutateSigned(random, seeds, now)));
    if (batch % STREAM_EVERY === 0) {
      const named = seeds.map((each) => ids.stamp(each));
      await fuzzStream(random.pick(streams), mutateStream(random, named), tally);
    }
    if (batch % HEALTH_EVERY === 0) {
      must(await server.isReady(), "it says that it is not ready");
      onProgress?.(tally.sent, residentMib(server.pid));
      seeds = [...plain, ...signedSeeds(now)];
    }
    if (rssMibBefore === 0 && tally.sent > messages / 5) rssMibBefore = residentMib(server.pid);
  }
  await udp.close();
  return rssMibBefore;
}

/** A question, a signed update, and the question whose answer it makes. */
async function checkAlive(server: Windhover, round: number): Promise<void> {
  const udp = await UdpFuzzClient.open(server.dnsPort, new Ids(), new Tally());
  const alive = parseName(`alive${round}`, ORIGIN);
  const ask = async (qtype: number, name = ORIGIN) =>
    readMessage(await udp.ask(write(makeQuery({ id: 0, name, qtype }))));
  must((await ask(Type.SOA)).answers.length === 1, "the zone has lost its SOA");
  const rdata = Uint8Array.of(192, 0, 2, round);
  const record = { owner: alive, rrtype: Type.A, class: Class.in, ttl: 60, rdata };
  const verdict = readMessage(await udp.ask(sign(updateMessage([record]), nowSeconds())));
  must(verdict.rcode === Rcode.noError, `a plain update gets rcode ${verdict.rcode}`);
  const { answers } = await ask(Type.A, alive);
  must(answers[0]?.rdata.join() === rdata.join(), "the update is not there");
  must(await server.isReady(), "it says that it is not ready");
  await udp.close();
}

async function countApplied(server: Windhover): Promise<number> {
  const metrics = await (await fetch(server.url("/metrics"))).text();
  const line = /^windhover_updates_total\{(?=[^}]*rfc2136)[^}]*applied[^}]*\} (\d+)$/m.exec(
    metrics,
  );
  return Number(line?.[1] ?? 0);
}

/** Memory of the process's own: what is mapped from the store's file is the kernel's to take back. */
function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
