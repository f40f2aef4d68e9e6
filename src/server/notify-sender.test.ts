/** NOTIFY over real sockets to secondaries that are sockets of the test. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { type ListLogger, listLogger } from "../../test/update/fakes.ts";
import { ORIGIN, soa } from "../../test/update/zone-fixtures.ts";
import type { SocketAddress } from "../base/socket-address.ts";
import { Class, HeaderFlag, Opcode, Rcode, Type } from "../wire/code-points.ts";
import { type Message, readMessage, writeMessage } from "../wire/message.ts";
import { type Name, parseName } from "../wire/name.ts";
import { rdataSerial } from "../zone/soa.ts";
import { type NotifiedZone, type NotifyLimits, NotifySender } from "./notify-sender.ts";

const QUICK: NotifyLimits = { retryMs: 20, attempts: 3, intervalMs: 1, outstanding: 10 };
const PATIENT: NotifyLimits = { ...QUICK, retryMs: 60_000 };

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A socket that keeps what it is sent. */
class Secondary {
  readonly received: { message: Message; from: RemoteInfo }[] = [];
  readonly #socket: Socket;
  /** What is answered at once, if anything. */
  answer: ((message: Message) => Message) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (bytes, from) => {
      const message = readMessage(bytes);
      this.received.push({ message, from });
      if (this.answer !== undefined) this.send(this.answer(message), from);
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

  get first(): { message: Message; from: RemoteInfo } {
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
  const sender = new NotifySender({ zones, soa: soaOf, log, limits });
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
      const { change } = startSender([{ origin: ORIGIN, notify: [secondary.target] }]);
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
    const { log } = startSender([{ origin: ORIGIN, notify: [secondary.target] }]);
    await until(() => secondary.received.length === 2);
    expect(new Set(secondary.received.map(({ message }) => message.id)).size).toBe(1);
    secondary.answer = yes;
    await until(() => secondary.received.length === 3);
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
    const { change } = startSender([{ origin: ORIGIN, notify: [secondary.target] }]);
    await until(() => secondary.received.length === 1);
    change(2);
    await until(() => secondary.received.length === 2);
    expect(secondary.serials).toEqual([1, 2]);
    const ids = secondary.received.map(({ message }) => message.id);
    expect(ids[1]).not.toBe(ids[0]);
  });

  test("that is refused is told and not sent again", async () => {
    const secondary = await Secondary.open();
    secondary.answer = (message) => ({ ...yes(message), rcode: Rcode.notAuth });
    const { log, change } = startSender([{ origin: ORIGIN, notify: [secondary.target] }]);
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
    await until(() => secondary.received.length === 1);
    const { message, from } = secondary.first;
    stranger.send(yes(message), { ...from, address: "127.0.0.1" });
    stranger.sendOctets(Uint8Array.of(1, 2, 3), { ...from, address: "127.0.0.1" });
    await until(() => secondary.received.length === QUICK.attempts);
  });

  test("is for the secondaries of the changed zone alone", async () => {
    const [one, other] = [await Secondary.open(), await Secondary.open()];
    for (const each of [one, other]) each.answer = yes;
    const { sender } = startSender([
      { origin: parseName("one.org"), notify: [one.target] },
      { origin: parseName("other.org"), notify: [other.target] },
      { origin: parseName("none.org"), notify: [] },
    ]);
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
    const parts = { zones: [{ origin: ORIGIN, notify: [secondary.target] }], log, limits: QUICK };
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
