/** NOTIFY over real sockets to secondaries that are sockets of the test. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { type ListLogger, listLogger, standingClock } from "../../test/update/fakes.ts";
import { ORIGIN, soa } from "../../test/update/zone-fixtures.ts";
import type { SocketAddress } from "../base/socket-address.ts";
import { Class, HeaderFlag, Opcode, Rcode, Type } from "../wire/code-points.ts";
import { type Message, readMessage, writeMessage } from "../wire/message.ts";
import { equalNames, type Name, parseName } from "../wire/name.ts";
import { findTsig, signTsig, type TsigKey, verifyTsig } from "../wire/tsig.ts";
import { rdataSerial } from "../zone/soa.ts";
import { type NotifiedZone, type NotifyLimits, NotifySender } from "./notify-sender.ts";

const QUICK: NotifyLimits = { retryMs: 20, attempts: 3, intervalMs: 1, outstanding: 10 };
const NOW_SECONDS = standingClock.nowMs() / 1_000;
const secret = new Uint8Array(32).fill(7);
const KEY: TsigKey = { name: parseName("to-secondary."), algorithm: "hmac-sha256", secret };
const OTHER_KEY: TsigKey = { ...KEY, name: parseName("other."), algorithm: "hmac-sha512" };
const findKey = (name: Name) => [KEY, OTHER_KEY].find((key) => equalNames(key.name, name));
const PATIENT: NotifyLimits = { ...QUICK, retryMs: 60_000 };
const STUBBORN: NotifyLimits = { ...QUICK, attempts: 12 };

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A socket that keeps what it is sent. */
class Secondary {
  readonly received: { message: Message; bytes: Uint8Array; from: RemoteInfo }[] = [];
  readonly #socket: Socket;
  /** What is answered at once, if anything. */
  answer: ((message: Message) => Message) | undefined;
  /** As `answer`, in octets. */
  answerOctets: ((bytes: Uint8Array) => Uint8Array) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (bytes, from) => {
      const message = readMessage(bytes);
      this.received.push({ message, bytes, from });
      if (this.answer !== undefined) this.send(this.answer(message), from);
      if (this.answerOctets !== undefined) this.sendOctets(this.answerOctets(bytes), from);
    });
  }

  static async open(address = "127.0.0.1"): Promise<Secondary> {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.bind(0, address);
    await once(socket, "listening");
    closers.push(async () => socket.close());
    return new Secondary(socket);
  }

  get target(): SocketAddress {
    const { address, port } = this.#socket.address();
    return { address, port };
  }

  get first(): { message: Message; bytes: Uint8Array; from: RemoteInfo } {
    const [first] = this.received;
    if (first === undefined) throw new Error("nothing was received");
    return first;
  }

  get serials(): number[] {
    return this.received.map(({ message }) => rdataSerial(message.answers[0]?.rdata as Uint8Array));
  }

  send(message: Message, to: RemoteInfo): void {
    const buffer = new Uint8Array(1_000);
    this.#socket.send(buffer.subarray(0, writeMessage(message, buffer)), to.port, to.address);
  }

  sendOctets(octets: Uint8Array, to: RemoteInfo): void {
    this.#socket.send(octets, to.port, to.address);
  }
}

const yes = (message: Message): Message => ({
  ...message,
  flags: HeaderFlag.qr | HeaderFlag.aa,
  answers: [],
});

interface Sender {
  readonly sender: NotifySender;
  readonly log: ListLogger;
  /** As the engine does it. */
  readonly change: (serial: number) => void;
}

function startSender(
  zones: readonly NotifiedZone[],
  limits = QUICK,
  origin: Name = ORIGIN,
): Sender {
  const log = listLogger();
  let serial = 1;
  const soaOf = (origin: Name) => ({ ...soa(serial), owner: origin });
  const parts = { zones, soa: soaOf, findKey, clock: standingClock, log, limits };
  const sender = new NotifySender(parts);
  closers.push(() => sender.close());
  sender.start();
  const change = (to: number) => {
    serial = to;
    sender.changed(origin);
  };
  return { sender, log, change };
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("it never came to be");
}

describe("a NOTIFY", () => {
  test.each(["127.0.0.1", "::1"])(
    "goes to %s at the start and after each change",
    async (where) => {
      const secondary = await Secondary.open(where);
      secondary.answer = yes;
      const { change } = startSender([{ origin: ORIGIN, notify: [secondary.target] }], PATIENT);
      await until(() => secondary.received.length === 1);
      change(2);
      await until(() => secondary.received.length === 2);
      expect(secondary.serials).toEqual([1, 2]);
      const { message } = secondary.first;
      expect(message).toMatchObject({
        flags: HeaderFlag.aa,
        opcode: Opcode.notify,
        rcode: 0,
        questions: [{ name: ORIGIN, qtype: Type.SOA, qclass: Class.in }],
        answers: [{ owner: ORIGIN, rrtype: Type.SOA, class: Class.in }],
        authorities: [],
        additionals: [],
      });
    },
  );

  test("is sent again until it is answered", async () => {
    const secondary = await Secondary.open();
    const { log } = startSender([{ origin: ORIGIN, notify: [secondary.target] }], STUBBORN);
    await until(() => secondary.received.length >= 2);
    expect(new Set(secondary.received.map(({ message }) => message.id)).size).toBe(1);
    secondary.answer = yes;
    const seen = secondary.received.length;
    await until(() => secondary.received.length > seen);
    expect(log.lines.filter(({ level }) => level === "warn")).toEqual([]);
  });

  test("is given up after a few times, told once, and sent again at the next change", async () => {
    const secondary = await Secondary.open();
    const { log, change } = startSender([{ origin: ORIGIN, notify: [secondary.target] }]);
    const warnings = () => log.lines.filter(({ level }) => level === "warn");
    await until(() => warnings().length === 1);
    expect(secondary.received).toHaveLength(QUICK.attempts);
    expect(warnings()[0]).toMatchObject({
      message: "secondary does not answer NOTIFY",
      fields: { zone: "dyn.example.com.", serial: 1 },
    });
    change(2);
    await until(() => secondary.received.length === 2 * QUICK.attempts);
    change(3);
    await until(() => secondary.serials.includes(3));
    expect(warnings()).toHaveLength(1);
    secondary.answer = yes;
    change(4);
    await until(() => log.lines.some(({ message }) => message.endsWith("again")));
  });

  test("is one at a time: changes while it is on its way make one more, with the newest serial", async () => {
    const secondary = await Secondary.open();
    const { change } = startSender([{ origin: ORIGIN, notify: [secondary.target] }], PATIENT);
    await until(() => secondary.received.length === 1);
    for (let serial = 2; serial <= 50; serial++) change(serial);
    const { message, from } = secondary.first;
    secondary.answer = yes;
    secondary.send(yes(message), from);
    await until(() => secondary.received.length === 2);
    expect(secondary.serials).toEqual([1, 50]);
    change(51);
    await until(() => secondary.received.length === 3);
    expect(secondary.serials).toEqual([1, 50, 51]);
  });

  test("sent again has the newest serial, and an ID of its own", async () => {
    const secondary = await Secondary.open();
    const { change } = startSender([{ origin: ORIGIN, notify: [secondary.target] }], STUBBORN);
    await until(() => secondary.received.length >= 1);
    change(2);
    await until(() => secondary.serials.includes(2));
    const ids = secondary.received.map(({ message }) => message.id);
    const first = secondary.serials.indexOf(2);
    expect(secondary.serials.slice(0, first)).not.toContain(2);
    expect(ids.slice(0, first)).not.toContain(ids[first]);
  });

  test("that is refused is told and not sent again", async () => {
    const secondary = await Secondary.open();
    secondary.answer = (message) => ({ ...yes(message), rcode: Rcode.notAuth });
    const { log, change } = startSender([{ origin: ORIGIN, notify: [secondary.target] }], PATIENT);
    await until(() => log.lines.length === 1);
    expect(log.lines[0]?.message).toBe("secondary answers NOTIFY with rcode 9");
    change(2);
    await until(() => secondary.received.length === 2);
    expect(secondary.serials).toEqual([1, 2]);
    expect(log.lines).toHaveLength(1);
  });

  test.each<[string, (message: Message) => Message]>([
    ["another ID", (message) => ({ ...yes(message), id: message.id ^ 1 })],
    ["no response", (message) => ({ ...yes(message), flags: HeaderFlag.aa })],
    ["another opcode", (message) => ({ ...yes(message), opcode: Opcode.query })],
    ["no question", (message) => ({ ...yes(message), questions: [] })],
    ["another name", (message) => asking(message, { name: parseName("other.org") })],
    ["another type", (message) => asking(message, { qtype: Type.A })],
    ["another class", (message) => asking(message, { qclass: Class.ch })],
  ])("is not answered by a message with %s", async (_, answer) => {
    const secondary = await Secondary.open();
    secondary.answer = answer;
    startSender([{ origin: ORIGIN, notify: [secondary.target] }]);
    await until(() => secondary.received.length === QUICK.attempts);
  });

  test("is not answered by somebody else, nor by octets that are no message", async () => {
    const secondary = await Secondary.open();
    const stranger = await Secondary.open();
    startSender([{ origin: ORIGIN, notify: [secondary.target] }]);
    await until(() => secondary.received.length >= 1);
    const { message, from } = secondary.first;
    stranger.send(yes(message), { ...from, address: "127.0.0.1" });
    stranger.sendOctets(Uint8Array.of(1, 2, 3), { ...from, address: "127.0.0.1" });
    await until(() => secondary.received.length === QUICK.attempts);
  });

  test("is for the secondaries of the changed zone alone", async () => {
    const [one, other] = [await Secondary.open(), await Secondary.open()];
    for (const each of [one, other]) each.answer = yes;
    const zones = [
      { origin: parseName("one.org"), notify: [one.target] },
      { origin: parseName("other.org"), notify: [other.target] },
      { origin: parseName("none.org"), notify: [] },
    ];
    const { sender } = startSender(zones, PATIENT);
    await until(() => one.received.length === 1 && other.received.length === 1);
    sender.changed(parseName("unknown.org"));
    sender.changed(parseName("none.org"));
    sender.changed(parseName("ONE.org"));
    await until(() => one.received.length === 2);
    expect(other.received).toHaveLength(1);
  });

  test("waits for others when too many are on their way", async () => {
    const secondary = await Secondary.open();
    const zones = ["a.org", "b.org", "c.org"].map((text) => ({
      origin: parseName(text),
      notify: [secondary.target],
    }));
    startSender(zones, { ...PATIENT, outstanding: 2 });
    await until(() => secondary.received.length === 2);
    const { message, from } = secondary.first;
    secondary.send(yes(message), from);
    await until(() => secondary.received.length === 3);
  });

  test("is not sent before the start, after the end, or for a zone that is not there", async () => {
    const secondary = await Secondary.open();
    secondary.answer = yes;
    const log = listLogger();
    let isThere = false;
    const zones = [{ origin: ORIGIN, notify: [secondary.target] }];
    const parts = { zones, findKey, clock: standingClock, log, limits: PATIENT };
    const sender = new NotifySender({ ...parts, soa: () => (isThere ? soa(9) : undefined) });
    sender.changed(ORIGIN);
    sender.start();
    isThere = true;
    sender.changed(ORIGIN);
    await until(() => secondary.received.length === 1);
    await sender.close();
    sender.changed(ORIGIN);
    expect(secondary.serials).toEqual([9]);
  });
});

function asking(message: Message, more: Partial<Message["questions"][0]>): Message {
  const question = { ...message.questions[0], ...more } as Message["questions"][0];
  return { ...yes(message), questions: [{ ...question, wireName: question.name }] };
}

describe("with a key", () => {
  /** A response signed as a secondary does that has `key`. */
  function signedYes(bytes: Uint8Array, key: TsigKey, spoil?: (reply: Uint8Array) => void) {
    const asked = findTsig(bytes);
    const buffer = new Uint8Array(1_000);
    const length = writeMessage({ ...yes(readMessage(bytes)), additionals: [] }, buffer);
    const requestMac = asked.status === "found" ? { requestMac: asked.tsig.mac } : {};
    const message = { message: buffer, length, key, nowSeconds: NOW_SECONDS, ...requestMac };
    const reply = buffer.slice(0, signTsig(message));
    spoil?.(reply);
    return reply;
  }

  const targetOf = (secondary: Secondary, key: Name | undefined = KEY.name) => ({
    ...secondary.target,
    key,
  });
  const warnings = (log: ListLogger) => log.lines.filter(({ level }) => level === "warn");

  test("a NOTIFY is signed with it, and answered by who signs too", async () => {
    const secondary = await Secondary.open();
    secondary.answerOctets = (bytes) => signedYes(bytes, KEY);
    const { change, log } = startSender(
      [{ origin: ORIGIN, notify: [targetOf(secondary)] }],
      PATIENT,
    );
    await until(() => secondary.received.length === 1);
    const { bytes } = secondary.first;
    const search = findTsig(bytes);
    if (search.status !== "found") throw new Error("it is not signed");
    const check = { message: bytes, tsig: search.tsig, key: KEY, nowSeconds: NOW_SECONDS };
    expect(verifyTsig(check).status).toBe("ok");
    change(2);
    await until(() => secondary.serials.includes(2));
    expect(log.lines).toEqual([]);
  });

  test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ["unsigned", (bytes) => octetsOf(yes(readMessage(bytes)))],
    ["signed with another key", (bytes) => signedYes(bytes, OTHER_KEY)],
    ["changed on its way", (bytes) => signedYes(bytes, KEY, (reply) => (reply[3] = 5))],
    ["for another request", (bytes) => signedYes(anotherRequest(bytes), KEY)],
  ])("a response that is %s counts for nothing, and is told of in the end", async (_, answer) => {
    const secondary = await Secondary.open();
    secondary.answerOctets = answer;
    const { log } = startSender([{ origin: ORIGIN, notify: [targetOf(secondary)] }]);
    await until(() => warnings(log).length === 1);
    expect(secondary.received).toHaveLength(QUICK.attempts);
    expect(warnings(log)[0]?.message).toContain("without a good TSIG");
  });

  test("an answer to an earlier attempt counts: all attempts are the same octets", async () => {
    const secondary = await Secondary.open();
    const { log, change } = startSender(
      [{ origin: ORIGIN, notify: [targetOf(secondary)] }],
      STUBBORN,
    );
    await until(() => secondary.received.length >= 2);
    const [first, second] = secondary.received;
    expect(second?.bytes).toEqual(first?.bytes);
    secondary.sendOctets(signedYes(secondary.first.bytes, KEY), secondary.first.from);
    secondary.answerOctets = (bytes) => signedYes(bytes, KEY);
    change(2);
    await until(() => secondary.serials.includes(2));
    expect(warnings(log)).toEqual([]);
  });

  test("that is not there nothing is sent, and the log says so", async () => {
    const secondary = await Secondary.open();
    const missing = targetOf(secondary, parseName("missing."));
    const { log } = startSender([{ origin: ORIGIN, notify: [missing] }]);
    await until(() => warnings(log).length === 1);
    expect(warnings(log)[0]?.message).toContain("the key missing.: there is none");
    expect(secondary.received).toEqual([]);
  });

  test("a secondary that gets another key is notified anew, one that keeps it is not", async () => {
    const secondary = await Secondary.open();
    secondary.answerOctets = (bytes) => signedYes(bytes, KEY);
    const { sender } = startSender([{ origin: ORIGIN, notify: [targetOf(secondary)] }], PATIENT);
    await until(() => secondary.received.length === 1);
    sender.replaceZones([{ origin: ORIGIN, notify: [targetOf(secondary)] }]);
    secondary.answerOctets = (bytes) => signedYes(bytes, OTHER_KEY);
    sender.replaceZones([{ origin: ORIGIN, notify: [targetOf(secondary, OTHER_KEY.name)] }]);
    await until(() => secondary.received.length === 2);
    secondary.answer = yes;
    secondary.answerOctets = undefined;
    sender.replaceZones([{ origin: ORIGIN, notify: [secondary.target] }]);
    await until(() => secondary.received.length === 3);
    const keys = secondary.received.map(({ bytes }) => {
      const search = findTsig(bytes);
      return search.status === "found" ? search.tsig.keyName : undefined;
    });
    expect(keys).toEqual([KEY.name, OTHER_KEY.name, undefined]);
  });
});

/** The same NOTIFY with another MAC. */
function anotherRequest(bytes: Uint8Array): Uint8Array {
  const search = findTsig(bytes);
  if (search.status !== "found") throw new Error("it is not signed");
  const length = search.tsig.offset;
  const plain = new Uint8Array(1_000);
  plain.set(bytes.subarray(0, length));
  plain[11] = 0;
  const signing = { message: plain, length, key: KEY, nowSeconds: NOW_SECONDS + 1 };
  return plain.slice(0, signTsig(signing));
}

function octetsOf(message: Message): Uint8Array {
  const buffer = new Uint8Array(1_000);
  return buffer.slice(0, writeMessage({ ...message, additionals: [] }, buffer));
}

describe("other secondaries", () => {
  test("are notified when they come, and those that stay are not", async () => {
    const [stays, comes] = [await Secondary.open(), await Secondary.open()];
    stays.answer = yes;
    comes.answer = yes;
    const { sender, change } = startSender([{ origin: ORIGIN, notify: [stays.target] }]);
    await until(() => stays.received.length === 1);
    sender.replaceZones([{ origin: ORIGIN, notify: [comes.target, stays.target] }]);
    await until(() => comes.received.length === 1);
    expect(stays.received).toHaveLength(1);
    change(2);
    await until(() => stays.serials.includes(2) && comes.serials.includes(2));
  });

  test("are left alone when they go, in the middle of a question too, and make room", async () => {
    const [goes, comes] = [await Secondary.open(), await Secondary.open()];
    comes.answer = yes;
    const limits = { ...QUICK, outstanding: 1, retryMs: 50 };
    const zones = [{ origin: ORIGIN, notify: [goes.target] }];
    const { sender, change } = startSender(zones, limits);
    await until(() => goes.received.length === 1);
    sender.replaceZones([{ origin: ORIGIN, notify: [comes.target] }]);
    await until(() => comes.received.length === 1);
    change(2);
    await until(() => comes.serials.includes(2));
    expect(goes.received).toHaveLength(1);
  });

  test("of a zone that comes are notified, before the start with the others", async () => {
    const secondary = await Secondary.open();
    secondary.answer = yes;
    const { sender } = startSender([]);
    sender.replaceZones([{ origin: ORIGIN, notify: [secondary.target] }]);
    await until(() => secondary.received.length === 1);
    sender.replaceZones([]);
    sender.changed(ORIGIN);
  });
});
