/**
 * A TCP proxy in this process, between one node and one Redis server: it can be cut, silenced, slowed and healed.
 * Sentinels and Clusters tell clients where to go next; the proxy puts the ports of other proxies into such answers,
 * so that the node never comes round it.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export type LinkState =
  | { readonly kind: "open" }
  /** Connections end at once, and new ones too. */
  | { readonly kind: "cut" }
  /** Connections stay and nothing comes through, as when a cable is pulled. */
  | { readonly kind: "silent" }
  | { readonly kind: "slow"; readonly delayMs: number };

/** All proxies of one node: what happens to its cable happens to all of them. */
export class Link {
  readonly #proxies: TcpProxy[] = [];
  /** Port of the server → port of its proxy. */
  readonly #ports = new Map<number, number>();
  #state: LinkState = { kind: "open" };

  static async to(ports: readonly number[]): Promise<Link> {
    const link = new Link();
    for (const port of ports) {
      const proxy = await TcpProxy.to(port, link);
      link.#proxies.push(proxy);
      link.#ports.set(port, proxy.port);
    }
    return link;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The same URL by way of the proxies. */
  url(direct: string): string {
    return direct.replaceAll(/127\.0\.0\.1:(\d+)/g, (whole, port: string) => {
      const found = this.#ports.get(Number(port));
      return found === undefined ? whole : `127.0.0.1:${found}`;
    });
  }

  set(state: LinkState): void {
    this.#state = state;
    for (const proxy of this.#proxies) proxy.changed();
  }

  heal(): void {
    this.set({ kind: "open" });
  }

  /** As an address that moves to another server: what was connected is cut, new connections end there. */
  move(to: number): void {
    for (const proxy of this.#proxies) proxy.move(to);
  }

  /** Replaces the ports of servers in what Sentinels and Clusters say of them: all have five digits. */
  redirect(chunk: Buffer): Buffer {
    if (!chunk.includes("127.0.0.1")) return chunk;
    let text = chunk.toString("latin1");
    for (const [real, ours] of this.#ports) {
      for (const [before, after] of [
        ["\r\n$5\r\n", "\r\n"],
        ["\r\n:", "\r\n"],
        ["127.0.0.1:", ""],
        ["127.0.0.1 ", ""],
      ]) {
        text = text.replaceAll(`${before}${real}${after}`, `${before}${ours}${after}`);
      }
    }
    return Buffer.from(text, "latin1");
  }

  async close(): Promise<void> {
    for (const proxy of this.#proxies) await proxy.close();
  }
}

class TcpProxy {
  readonly #server: Server;
  readonly #link: Link;
  #target: number;
  readonly #pairs = new Set<Pair>();

  private constructor(server: Server, link: Link, target: number) {
    this.#server = server;
    this.#link = link;
    this.#target = target;
    server.on("connection", (socket) => this.#accept(socket));
  }

  static async to(target: number, link: Link): Promise<TcpProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TcpProxy(server, link, target);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  move(to: number): void {
    this.#target = to;
    for (const pair of this.#pairs) pair.end();
  }

  changed(): void {
    for (const pair of this.#pairs) {
      if (this.#link.state.kind === "cut") pair.end();
      else if (this.#link.state.kind !== "silent") pair.flush();
    }
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) pair.end();
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }

  #accept(near: Socket): void {
    if (this.#link.state.kind === "cut") {
      near.on("error", () => {});
      near.resetAndDestroy();
      return;
    }
    const pair = new Pair(near, connect(this.#target, "127.0.0.1"), this.#link, () =>
      this.#pairs.delete(pair),
    );
    this.#pairs.add(pair);
  }
}

/** A connection of the node's and the one to the server that belongs to it. */
class Pair {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #link: Link;
  /** What waits, in order; nothing while the link is open. */
  #held: (() => void)[] = [];

  constructor(near: Socket, far: Socket, link: Link, onEnd: () => void) {
    this.#near = near;
    this.#far = far;
    this.#link = link;
    near.setNoDelay(true);
    far.setNoDelay(true);
    near.on("data", (chunk: Buffer) => this.#pass(() => far.write(chunk)));
    far.on("data", (chunk: Buffer) => this.#pass(() => near.write(link.redirect(chunk))));
    for (const socket of [near, far]) {
      socket.on("error", () => {});
      socket.on("close", () => {
        onEnd();
        this.end();
      });
    }
  }

  end(): void {
    this.#held = [];
    this.#near.destroy();
    this.#far.destroy();
  }

  flush(): void {
    for (const write of this.#held.splice(0)) write();
  }

  #pass(write: () => void): void {
    const { state } = this.#link;
    const isWaiting = state.kind === "silent" || state.kind === "slow";
    if (isWaiting) this.#held.push(write);
    else write();
    if (state.kind === "slow") setTimeout(() => this.#release(), state.delayMs);
  }

  /** The one that waits longest, unless nothing comes through by now. */
  #release(): void {
    if (this.#link.state.kind !== "silent") this.#held.shift()?.();
  }
}
