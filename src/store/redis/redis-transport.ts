/**
 * Whether a Redis speaks TLS where its location says that it does not, or the other way round. Neither side says so: a
 * port without TLS waits in silence for the rest of what it takes for a command, and one with it hangs up.
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { Limits } from "../../base/limits.ts";
import type { RedisHost, RedisLocation } from "./redis-location.ts";

/** What is wrong, in a sentence that says what to do; `undefined` where nothing is known to be. Never rejects. */
export async function findOtherTransport(location: RedisLocation): Promise<string | undefined> {
  const { hosts, isTls } = location;
  const others = await Promise.all(hosts.map(isTls ? speaksPlain : speaksTls));
  const host = hosts[others.indexOf(true)];
  if (host === undefined) return undefined;
  const scheme = location.kind === "single" ? "" : `+${location.kind}`;
  const [there, advice] = isTls
    ? [
        "speaks no TLS",
        `write redis${scheme}:// in place of rediss${scheme}://, or name its TLS port`,
      ]
    : [
        "speaks TLS",
        `write rediss${scheme}:// in place of redis${scheme}://, or name its plain port`,
      ];
  return `port ${host.port} of ${host.host} ${there}: ${advice}`;
}

/** Any answer does, also a refusal for want of a password: nothing secret is sent. */
function speaksPlain({ host, port }: RedisHost): Promise<boolean> {
  const socket = connect(port, host, () => socket.write("PING\r\n"));
  return answered(socket, "data", (first) => /^[+-]/.test(String(first)));
}

function speaksTls({ host, port }: RedisHost): Promise<boolean> {
  return answered(
    connectTls({ host, port, rejectUnauthorized: false }),
    "secureConnect",
    () => true,
  );
}

function answered(
  socket: Socket,
  event: string,
  judge: (first: unknown) => boolean,
): Promise<boolean> {
  return new Promise<boolean>((resolve) => {
    socket.setTimeout(Limits.redisTransportMs, () => resolve(false));
    socket.once(event, (first: unknown) => resolve(judge(first)));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  }).finally(() => socket.destroy());
}
