/**
 * From the acknowledgement of an update to its answer: each acknowledged update is asked for at once, from as many
 * sockets as it takes to reach every worker, and an answer that is not the new one is counted.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { Type } from "../../src/wire/code-points.ts";
import { makeQuery, readMessage, writeMessage } from "../../src/wire/message.ts";
import { parseName } from "../../src/wire/name.ts";
import { Measure } from "../bars.ts";
import { type Fixture, progress } from "../fixture.ts";
import type { RunningServer } from "../server.ts";
import { bind } from "../servers/bind.ts";
import { knot } from "../servers/knot.ts";
import { windhover } from "../servers/windhover.ts";
import { UpdateWriter } from "../update-load.ts";

const SOCKETS = 8;
/** A lost datagram shall not stop the run. */
const ANSWER_MS = 5_000;

export async function benchAck(fixture: Fixture): Promise<void> {
  const kinds = [windhover(), windhover({ label: "4 workers", workers: 4 }), knot, bind];
  await fixture.interleaved(kinds, async (server, round) => {
    progress(`round ${round}: from ack to answer, ${server.name}`);
    const run = await measureStale(server, fixture, round);
    fixture.results.add("updates asked for after their ack", server.name, run.acknowledged);
    fixture.results.add(Measure.stale, server.name, run.stale);
  });
}

async function measureStale(server: RunningServer, { zone, seconds }: Fixture, round: number) {
  const writer = new UpdateWriter(zone, `ack-${round}`);
  const sockets = await Promise.all(Array.from({ length: SOCKETS + 1 }, openSocket));
  const [updating, ...asking] = sockets as [Socket, ...Socket[]];
  const deadline = performance.now() + seconds * 1_000;
  let acknowledged = 0;
  let stale = 0;
  try {
    for (let number = 0; performance.now() < deadline; number++) {
      const reply = await exchange(updating, server.port, writer.write(number & 0xffff, number));
      if (((reply[3] as number) & 15) !== 0) throw new Error(`${server.name} refuses updates`);
      acknowledged++;
      const query = makeQuery({ id: 1, name: parseName(writer.host(number)), qtype: Type.A });
      const bytes = new Uint8Array(512);
      const message = bytes.subarray(0, writeMessage(query, bytes));
      const answers = await Promise.all(asking.map((each) => exchange(each, server.port, message)));
      stale += answers.filter((answer) => readMessage(answer).answers.length !== 1).length;
    }
    return { acknowledged, stale };
  } finally {
    for (const socket of sockets) socket.close();
  }
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

async function exchange(socket: Socket, port: number, message: Uint8Array): Promise<Uint8Array> {
  const answered = once(socket, "message", { signal: AbortSignal.timeout(ANSWER_MS) });
  socket.send(message, port, "127.0.0.1");
  const [reply] = (await answered) as [Uint8Array];
  return reply;
}
