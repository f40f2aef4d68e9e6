/**
 * node flood.mjs PORT HEX: sends this datagram to a port of the loopback interface as fast as the kernel takes it, with
 * the batches of the built program, until it is ended or two minutes are over. Plain JavaScript: a process of its own.
 */
const OVER_MS = 120_000;
const BATCH = 64;
/** Batches between two looks at the clock. */
const ROUND = 100;

const [port, hex] = process.argv.slice(2);
const dist = new URL("../../../dist/server/native/", import.meta.url);
const { loadLibc, Sys } = await import(new URL("libc.js", dist));
const { MessageRing } = await import(new URL("message-ring.js", dist));
const { openNativeSockets } = await import(new URL("native-socket.js", dist));
const { writeSocketName } = await import(new URL("socket-name.js", dist));

const { libc, problem } = await loadLibc();
if (libc === undefined) throw new Error(problem);
const [[socket]] = openNativeSockets(libc, [{ address: "127.0.0.1", port: 0 }], 1);
const ring = new MessageRing(libc, BATCH);
ring.prepare(socket);
const message = Buffer.from(hex, "hex");
for (let at = 0; at < BATCH; at++) {
  const name = ring.octets.subarray(ring.nameOffset(at));
  writeSocketName(name, Sys.inet, { address: "127.0.0.1", port: Number(port) }, 0);
  ring.replyOctets(at).set(message);
  ring.address(at, at, message.length);
}
const end = performance.now() + OVER_MS;
while (performance.now() < end) {
  for (let batch = 0; batch < ROUND; batch++) libc.send(socket.fd, ring.replyAddress(0), BATCH);
}
