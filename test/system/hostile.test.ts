/** Hostile clients against the built program, on every listener: docs/hostile-input.md has the classes. */
import { statSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { Limits } from "../../src/base/limits.ts";
import { frameMessage, StreamFramer } from "../../src/server/stream-framer.ts";
import { Class, Opcode, Rcode, TsigError, Type } from "../../src/wire/code-points.ts";
import { type Message, makeQuery, readMessage } from "../../src/wire/message.ts";
import { parseName } from "../../src/wire/name.ts";
import { RR_TYPES, typeName } from "../../src/wire/rr-types.ts";
import { findTsig, type TsigKey } from "../../src/wire/tsig.ts";
import { startFuzzedServer } from "../fuzz/fuzz-server.ts";
import { FUZZ_KEY, ORIGIN } from "../fuzz/hostile-zone.ts";
import { sampleRdata, sign, updateMessage, write } from "../fuzz/seed-messages.ts";
import {
  dialStream,
  exchangeStream,
  Ids,
  type StreamListener,
  Tally,
  UdpFuzzClient,
} from "../fuzz/server-client.ts";
import { PROJECT_ROOT } from "../project-root.ts";
import { runAsync, skipWithout, until } from "./harness/program.ts";
import type { Windhover } from "./harness/windhover.ts";

const MAIN = join(PROJECT_ROOT, "dist/cli/main.js");

let server: Windhover;
let streams: readonly StreamListener[];
let udp: UdpFuzzClient;

beforeAll(async () => {
  ({ server, streams } = await startFuzzedServer("auto"));
  udp = await UdpFuzzClient.open(server.dnsPort, new Ids(), new Tally());
});
afterAll(async () => {
  await udp?.close();
  await server?.stop();
});

const now = () => Math.floor(Date.now() / 1000);
const at = (text: string) => parseName(text, ORIGIN);

type Ask = (message: Uint8Array) => Promise<Uint8Array>;
const askUdp: Ask = (message) => udp.ask(message);
const askStream = async (listener: StreamListener | undefined, message: Uint8Array) => {
  if (listener === undefined) throw new Error("it does not listen");
  const [response] = await exchangeStream(listener, frameMessage(message));
  if (response === undefined) throw new Error("the server ended without a response");
  return response;
};
const askTcp: Ask = (message) => askStream(streams[0], message);
const askTls: Ask = (message) => askStream(streams[1], message);
const WITHOUT_TLS: readonly (readonly [string, Ask])[] = [
  ["UDP", askUdp],
  ["TCP", askTcp],
];
const LISTENERS = skipWithout("openssl") ? WITHOUT_TLS : [...WITHOUT_TLS, ["TLS", askTls] as const];
/** The last listener is TLS, where there is one. */
const STREAMS = LISTENERS.slice(1).map(([name], at) => [name, at] as const);

const question = (name: string, qtype: number) => makeQuery({ id: 1, name: at(name), qtype });
const address = (owner: string, last: number) => ({
  owner: at(owner),
  rrtype: Type.A,
  class: Class.in,
  ttl: 60,
  rdata: Uint8Array.of(192, 0, 2, last),
});
const addressesOf = ({ answers }: Message) => answers.map(({ rdata }) => rdata.join("."));

async function serial(): Promise<number> {
  const { answers } = readMessage(await askUdp(write(question("@", Type.SOA))));
  const soa = Buffer.from(answers[0]?.rdata ?? []);
  return soa.readUInt32BE(soa.length - 20);
}

describe.each(LISTENERS)("class 1, TSIG over %s", (listener, ask) => {
  const stranger: TsigKey = { ...FUZZ_KEY, name: parseName("stranger") };
  const forger: TsigKey = { ...FUZZ_KEY, secret: Uint8Array.of(1, 2, 3) };
  const other: TsigKey = { ...FUZZ_KEY, algorithm: "hmac-sha512" };

  test.each([
    ["no TSIG", (m: Uint8Array) => m, Rcode.refused, undefined],
    ["a wrong MAC", (m: Uint8Array) => sign(m, now(), forger), Rcode.notAuth, TsigError.badSig],
    [
      "an unknown key",
      (m: Uint8Array) => sign(m, now(), stranger),
      Rcode.notAuth,
      TsigError.badKey,
    ],
    [
      "another algorithm",
      (m: Uint8Array) => sign(m, now(), other),
      Rcode.notAuth,
      TsigError.badKey,
    ],
    ["a slow clock", (m: Uint8Array) => sign(m, now() - 310), Rcode.notAuth, TsigError.badTime],
    ["a fast clock", (m: Uint8Array) => sign(m, now() + 310), Rcode.notAuth, TsigError.badTime],
    ["two TSIGs", (m: Uint8Array) => sign(sign(m, now()), now()), Rcode.formErr, undefined],
  ] as const)("%s changes nothing, whatever is asked", async (_, spoil, rcode, error) => {
    const before = await serial();
    const response = await ask(spoil(updateMessage([address("forged", 66)])));
    expect(readMessage(response).rcode).toBe(rcode);
    const search = findTsig(response);
    expect(search.status === "found" ? search.tsig.error : undefined).toBe(error);
    expect(addressesOf(readMessage(await ask(write(question("forged", Type.A)))))).toEqual([]);
    expect(await serial()).toBe(before);
    const { answers } = readMessage(await ask(spoil(write(question("@", Type.IXFR)))));
    expect(answers.filter(({ rrtype }) => rrtype !== Type.SOA)).toEqual([]);
  });

  test("what one message has proven says nothing of the next", async () => {
    const owner = `state-${listener.toLowerCase()}`;
    const good = await ask(sign(updateMessage([address(owner, 1)]), now()));
    expect(readMessage(good).rcode).toBe(Rcode.noError);
    const response = await ask(updateMessage([address(owner, 2)]));
    expect(readMessage(response).rcode).toBe(Rcode.refused);
    expect(findTsig(response).status).toBe("none");
    const seen = readMessage(await ask(write(question(owner, Type.A))));
    expect(addressesOf(seen)).toEqual(["192.0.2.1"]);
  });
});

test("class 1: signed and unsigned updates by turns on one connection keep apart", async () => {
  const messages = Array.from({ length: 40 }, (_, index) => {
    const message = updateMessage([address(`turn${index}`, index)]);
    message[1] = index;
    return index % 2 === 0 ? sign(message, now()) : message;
  });
  const stream = Buffer.concat(messages.map(frameMessage));
  const responses = await exchangeStream(streams[0] as StreamListener, stream);
  expect(responses.map((response) => [response[1], readMessage(response).rcode])).toEqual(
    messages.map((_, index) => [index, index % 2 === 0 ? Rcode.noError : Rcode.refused]),
  );
  expect(responses.map((response) => findTsig(response).status)).toEqual(
    messages.map((_, index) => (index % 2 === 0 ? "found" : "none")),
  );
});

describe("class 2: every listener has the one gate", () => {
  const counts = [
    [0, 0, 0, 0],
    [2, 0, 0, 0],
    [1, 1, 0, 0],
    [1, 0, 1, 0],
    [1, 0, 0, 3],
    [1, 0xffff, 0xffff, 0xffff],
    [0xffff, 0, 0, 0],
    [1, 0, 0, 0],
  ];

  test.each(Array.from({ length: 16 }, (_, opcode) => opcode))("opcode %i", async (opcode) => {
    for (const [questions, answers, authorities, additionals] of counts) {
      const message = write(question("home", Type.A));
      message[2] = opcode << 3;
      const words = [questions, answers, authorities, additionals] as number[];
      for (const [place, word] of words.entries()) {
        message[4 + 2 * place] = word >> 8;
        message[5 + 2 * place] = word & 0xff;
      }
      const told = [];
      for (const [, ask] of LISTENERS) {
        const response = await ask(message);
        told.push(toHex(response.subarray(2)));
        const isHonest = opcode === Opcode.query && words.join() === "1,0,0,0";
        expect(readMessage(response).rcode === Rcode.noError).toBe(isHonest);
      }
      expect(new Set(told).size).toBe(1);
    }
  });
});

describe("class 5: a key that is taken away", () => {
  test("changes nothing from then on, also while its updates come in", async () => {
    const made = server.cli("key", "add", "brief", "--update-name", `*.brief.dyn.example.com`);
    const secret = /secret "([^"]+)"/.exec(made.stdout)?.[1];
    if (secret === undefined) throw new Error(`no secret in ${made.stdout}${made.stderr}`);
    const key: TsigKey = {
      name: parseName("brief"),
      algorithm: "hmac-sha256",
      secret: new Uint8Array(Buffer.from(secret, "base64")),
    };
    const update = async (last: number) =>
      readMessage(await askUdp(sign(updateMessage([address("h.brief", last)]), now(), key)));
    expect((await update(1)).rcode).toBe(Rcode.noError);
    let isRemoved = false;
    const stream = (async () => {
      const rcodes: number[] = [];
      for (let last = 2; last < 20_000 && !isRemoved; last++) {
        rcodes.push((await update(last & 0xff)).rcode);
      }
      return rcodes;
    })();
    const removed = await runAsync(process.execPath, [MAIN, "key", "remove", "brief"], {
      cwd: server.directory,
    });
    expect(removed).toMatchObject({ status: 0, stderr: "" });
    const before = await serial();
    expect((await update(250)).rcode).toBe(Rcode.notAuth);
    isRemoved = true;
    const rcodes = await stream;
    const firstRefused = rcodes.indexOf(Rcode.notAuth);
    const held = firstRefused < 0 ? rcodes : rcodes.slice(0, firstRefused);
    expect(held.length).toBeGreaterThan(1);
    expect(held.every((rcode) => rcode === Rcode.noError)).toBe(true);
    const after = rcodes.slice(held.length);
    expect(after.every((rcode) => rcode === Rcode.notAuth)).toBe(true);
    expect(await serial()).toBe(before);
  });
});

describe("class 13: who proves nothing changes nothing", () => {
  const UPDATE = "hostname=home.dyn.example.com&myip=192.0.2.66";
  const headers = (authorization?: string) =>
    authorization === undefined ? {} : { headers: { authorization } };
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

  test.each([
    ["nothing", undefined],
    ["an empty Basic", basic("")],
    ["no user and no password", basic(":")],
    ["a user that is not there", basic("admin:admin")],
    ["the name of a TSIG key", basic("fuzz-key:")],
    ["an empty Bearer", "Bearer "],
    ["a made-up token", `Bearer ${"A".repeat(43)}`],
    ["another scheme", "Negotiate YII="],
  ])("over HTTP with %s", async (_, authorization) => {
    const before = await serial();
    const body = JSON.stringify({
      node_id: "home",
      public_ip: "192.0.2.66",
      timestamp: new Date(),
    });
    const json = { "content-type": "application/json" };
    const calls: [string, RequestInit][] = [
      [`/nic/update?${UPDATE}`, {}],
      [`/update?${UPDATE}`, {}],
      [`/v3/update?${UPDATE}`, {}],
      ["/nic/update", { method: "POST", body: new URLSearchParams(UPDATE) }],
      [
        "/ddns/update",
        { method: "POST", body: new URLSearchParams("domain=home.dyn.example.com&ip=192.0.2.66") },
      ],
      ["/report", { method: "POST", body, headers: json }],
    ];
    for (const [path, init] of calls) {
      const given = { ...(init.headers as object), ...headers(authorization).headers };
      const response = await fetch(server.url(path), { ...init, headers: given });
      const text = await response.text();
      // After too many wrong credentials of one address a dyndns2 client is told `abuse`, with status 200.
      const isTold = response.status === 200 && text.startsWith("abuse");
      expect([401, 403, 404, 429].includes(response.status) || isTold, text).toBe(true);
      expect(text).not.toMatch(/good|nochg/);
    }
    expect(await serial()).toBe(before);
  });

  test("the administrative socket is its owner's alone", () => {
    const socket = statSync(join(server.directory, "data", "windhover.sock"));
    expect(socket.isSocket()).toBe(true);
    expect(socket.mode & 0o777).toBe(0o600);
  });
});

describe("class 9: rdata that an update brought in", () => {
  const SAMPLES = 3;
  /** What an update may not bring to an owner below the apex. */
  const NOT_BELOW_APEX = [
    ...["SOA", "SIG", "NXT", "OPT", "RRSIG", "NSEC", "NSEC3", "NXNAME", "TKEY", "TSIG"],
    ...["IXFR", "AXFR", "MAILB", "MAILA", "ANY"],
  ];
  const accepted: { owner: string; rrtype: number; rdata: string }[] = [];

  /** Where the RRset stands: at a zone cut it is the referral's. */
  async function expectServed(ask: Ask): Promise<void> {
    for (const { owner, rrtype, rdata } of accepted) {
      const { answers, authorities } = readMessage(await ask(write(question(owner, rrtype))));
      const found = [...answers, ...authorities].filter((each) => each.rrtype === rrtype);
      expect(
        found.map((each) => toHex(each.rdata)),
        `${owner} ${typeName(rrtype)}`,
      ).toContain(rdata);
    }
  }

  test("every type, three times, is accepted or refused", async () => {
    for (const { rrtype } of RR_TYPES) {
      for (let sample = 0; sample < SAMPLES; sample++) {
        const owner = `r${sample}-${rrtype}`;
        const rdata = sampleRdata(rrtype, 1000 * sample + rrtype);
        const record = { owner: at(owner), rrtype, class: Class.in, ttl: 60, rdata };
        const before = await serial();
        const response = await askTcp(sign(updateMessage([record]), now()));
        const { rcode } = readMessage(response);
        expect([Rcode.noError, Rcode.refused, Rcode.formErr]).toContain(rcode);
        if ((await serial()) !== before) accepted.push({ owner, rrtype, rdata: toHex(rdata) });
      }
    }
    const types = new Set(accepted.map(({ rrtype }) => rrtype));
    const rest = RR_TYPES.filter(({ rrtype }) => !types.has(rrtype)).map((row) => row.mnemonic);
    expect(rest).toEqual(NOT_BELOW_APEX);
  });

  test.each(LISTENERS)("is answered over %s", async (_, ask) => {
    await expectServed(ask);
  });

  test("is transferred", async () => {
    const query = sign(write(question("@", Type.AXFR)), now());
    const messages = await exchangeStream(streams[0] as StreamListener, frameMessage(query));
    const records = messages.flatMap((message) => readMessage(message).answers);
    const known = new Set(records.map(({ rrtype, rdata }) => `${rrtype} ${toHex(rdata)}`));
    for (const { rrtype, rdata } of accepted) {
      expect(known.has(`${rrtype} ${rdata}`), `${typeName(rrtype)} ${rdata}`).toBe(true);
    }
  });

  test("is exported as a zone file that is a whole zone", () => {
    const exported = server.cli("zone", "export", "dyn.example.com");
    expect(exported.stderr).toBe("");
    for (const { owner, rrtype } of accepted) {
      expect(exported.stdout).toMatch(
        new RegExp(`^${owner}\\.dyn\\S+ +60 IN ${typeName(rrtype)} `, "m"),
      );
    }
  });

  test("is served again after a new start", async () => {
    expect(await server.stop()).toBe(0);
    await server.launch();
    await expectServed(askUdp);
    expect(server.output).toBe("");
  });
});

describe.each(STREAMS)("class 11: streams of %s", (_, place) => {
  const listener = () => streams[place] as StreamListener;
  const ask: Ask = (message) => askStream(listener(), message);
  const sockets: Socket[] = [];
  const isOpen = (socket: Socket) => !socket.closed && !socket.readableEnded;
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
  });

  async function dial(): Promise<Socket> {
    const socket = dialStream(listener());
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    const closed = new Promise((resolve) => socket.on("close", resolve));
    const open = listener().isTls ? "secureConnect" : "connect";
    await Promise.race([new Promise((resolve) => socket.on(open, resolve)), closed]);
    return socket;
  }

  function collect(socket: Socket): Uint8Array[] {
    const framer = new StreamFramer();
    const responses: Uint8Array[] = [];
    socket.on("data", (chunk: Buffer) => {
      framer.push(new Uint8Array(chunk));
      for (let each = framer.next(); each !== undefined; each = framer.next()) responses.push(each);
    });
    return responses;
  }

  async function expectAlive(): Promise<void> {
    const response = await ask(write(question("home", Type.A)));
    expect(addressesOf(readMessage(response))).toEqual(["192.0.2.1"]);
  }

  test("one octet at a time", async () => {
    const socket = await dial();
    const responses = collect(socket);
    for (const octet of frameMessage(write(question("home", Type.A)))) {
      socket.write(Uint8Array.of(octet));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until("an answer", () => responses.length === 1);
  });

  test("a length of 65,535 and then silence ends, and holds nobody up meanwhile", async () => {
    const many = await Promise.all(Array.from({ length: 30 }, dial));
    for (const socket of many) socket.resume().write(Uint8Array.of(0xff, 0xff, 1, 2, 3));
    await expectAlive();
    await until("them to be let go", () => !many.some(isOpen));
  });

  test("closing and resetting before the answer, in the middle of a message, at once", async () => {
    const framed = frameMessage(sign(write(question("@", Type.AXFR)), now()));
    for (let turn = 0; turn < 100; turn++) {
      const socket = await dial();
      if (turn % 3 > 0) socket.write(framed.subarray(0, turn % 3 === 1 ? framed.length : 5));
      if (turn % 2 === 0 && !listener().isTls) socket.resetAndDestroy();
      else socket.destroy();
    }
    await expectAlive();
  });

  test("1,000 queries in one write are answered in order", async () => {
    const message = write(question("home", Type.A));
    const stream = Buffer.concat(
      Array.from({ length: 1_000 }, (_, index) => {
        message[0] = index >> 8;
        message[1] = index & 0xff;
        return frameMessage(message.slice());
      }),
    );
    const responses = await exchangeStream(listener(), stream);
    const ids = responses.map(
      (response) => ((response[0] as number) << 8) + (response[1] as number),
    );
    expect(ids).toEqual(Array.from({ length: 1_000 }, (_, index) => index));
  });

  test("thousands of idle connections leave room for one that asks", async () => {
    const count = listener().isTls ? 300 : 2_000;
    for (let opened = 0; opened < count; opened += 50) {
      await Promise.all(Array.from({ length: 50 }, dial));
    }
    await expectAlive();
    const open = () => sockets.filter(isOpen).length;
    for (const socket of sockets) socket.resume();
    await until("the bound to be kept", () => open() <= Limits.tcpConnectionsPerClient);
    await expectAlive();
  });

  test("who asks for much and never reads is let go", async () => {
    const socket = await dial();
    socket.pause();
    const closed = new Promise((resolve) => socket.on("close", resolve));
    const framed = frameMessage(write(question("many", Type.TXT)));
    const burst = Buffer.concat(Array.from({ length: 200 }, () => framed));
    const writer = setInterval(() => socket.write(burst), 5);
    await closed;
    clearInterval(writer);
    await expectAlive();
  });
});
