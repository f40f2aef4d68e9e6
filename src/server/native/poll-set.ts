/** Descriptors that a thread waits for. */
import { type Libc, PollFd } from "./libc.ts";

export class PollSet {
  readonly #libc: Libc;
  readonly #count: number;
  readonly #events: Int16Array;
  readonly #fds: Int32Array;
  readonly #address: number;

  /** `events`: `Sys.pollIn` or `Sys.pollOut`, for all. */
  constructor(libc: Libc, fds: readonly number[], events: number) {
    const buffer = new ArrayBuffer(fds.length * PollFd.size);
    this.#libc = libc;
    this.#count = fds.length;
    this.#events = new Int16Array(buffer);
    this.#fds = new Int32Array(buffer);
    this.#address = libc.addressOf(buffer);
    for (const [at, fd] of fds.entries()) {
      this.replace(at, fd);
      this.#events[(at * PollFd.size + PollFd.events) >>> 1] = events;
    }
  }

  replace(at: number, fd: number): void {
    this.#fds[(at * PollFd.size + PollFd.fd) >>> 2] = fd;
  }

  /** How many descriptors are ready; −1 when a signal came first. */
  wait(milliseconds: number): number {
    return this.#libc.poll(this.#address, this.#count, milliseconds);
  }

  isReady(at: number): boolean {
    return this.#events[(at * PollFd.size + PollFd.returned) >>> 1] !== 0;
  }
}
