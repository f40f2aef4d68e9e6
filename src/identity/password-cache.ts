/**
 * Remembers which passwords were found right, so that a router calling every five minutes costs one argon2 and
 * not one per call. Holds keyed hashes only, under a key that never leaves this process; a changed password has
 * another hash, so its old entry can never be met again.
 */
import { createHmac, randomBytes } from "node:crypto";
import { Limits } from "../base/limits.ts";

export class PasswordCache {
  readonly #key = randomBytes(32);
  /** In the order of last use. */
  readonly #known = new Set<string>();

  /** What stands for this password under this stored hash. */
  entry(hash: string, password: string): string {
    return createHmac("sha256", this.#key).update(`${hash}\0${password}`, "utf8").digest("base64");
  }

  has(entry: string): boolean {
    if (!this.#known.delete(entry)) return false;
    this.#known.add(entry);
    return true;
  }

  add(entry: string): void {
    this.#known.add(entry);
    if (this.#known.size <= Limits.passwordCache) return;
    const [oldest] = this.#known;
    this.#known.delete(oldest as string);
  }

  clear(): void {
    this.#known.clear();
  }
}
