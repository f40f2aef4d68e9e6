/** Asks a server one question until it answers rightly: the moment a start is over. */
import { createSocket } from "node:dgram";
import { Type } from "../src/wire/code-points.ts";
import { makeQuery, readMessage, writeMessage } from "../src/wire/message.ts";
import { parseName } from "../src/wire/name.ts";
import type { RunningServer } from "./server.ts";

/** Milliseconds between two questions: the resolution of what is measured. */
const PAUSE_MS = 5;
const BOUND_MS = 300_000;

/** Milliseconds from the start of the process to the first NOERROR answer with data for `owner` A. */
export async function firstAnswerMs(server: RunningServer, owner: string): Promise<number> {
  const query = new Uint8Array(512);
  const message = makeQuery({ id: 1, name: parseName(owner), qtype: Type.A });
  const length = writeMessage(message, query);
  const socket = createSocket("udp4");
  let isAnswered = false;
  socket.on("message", (bytes) => {
    const answer = readMessage(bytes);
    isAnswered ||= answer.rcode === 0 && answer.answers.length > 0;
  });
  socket.on("error", () => {});
  try {
    while (!isAnswered) {
      const waited = performance.now() - server.startedMs;
      if (server.hasEnded || waited > BOUND_MS) {
        throw new Error(`${server.name} did not answer: ${server.output}`);
      }
      socket.send(query.subarray(0, length), server.port, "127.0.0.1");
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return performance.now() - server.startedMs;
  } finally {
    socket.close();
  }
}
