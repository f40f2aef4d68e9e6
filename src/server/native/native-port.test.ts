import { beforeAll } from "vitest";
import { describeDatagramPort } from "../../../test/server/datagram-port.conformance.ts";
import type { CounterRow } from "../../base/counters.ts";
import type { SocketAddress } from "../../base/socket-address.ts";
import { type Libc, loadLibc } from "./libc.ts";
import { NativePort } from "./native-port.ts";
import { closeNativeSockets, openNativeSockets } from "./native-socket.ts";

let libc: Libc;
beforeAll(async () => {
  const loaded = await loadLibc();
  if ("problem" in loaded) throw new Error(loaded.problem);
  libc = loaded.libc;
});

async function openNativePort(listen: readonly SocketAddress[], counters: CounterRow) {
  const [sockets = []] = openNativeSockets(libc, listen, 1);
  const event = libc.event();
  const release = () => {
    closeNativeSockets(libc, sockets);
    libc.close(event);
  };
  // The test's client shares this thread, so the port must never wait.
  const port = new NativePort({ libc, sockets, counters, event, waitMs: 0, release });
  return { port, addresses: sockets.map(({ address, port }) => ({ address, port })) };
}

describeDatagramPort("native", openNativePort);
