/** The files of zones set aside, in memory. */
import type { AsideFiles } from "../../src/store/aside-files.ts";
import { formatName, type Name } from "../../src/wire/name.ts";

export class MemoryAsideFiles implements AsideFiles {
  readonly files = new Map<string, Uint8Array>();
  problem: Error | undefined;

  place(origin: Name): string {
    return `aside-${formatName(origin)}`;
  }

  async readAll() {
    return [...this.files].map(([place, payload]) => ({ place, payload }));
  }

  async write(origin: Name, payload: Uint8Array): Promise<void> {
    if (this.problem !== undefined) throw this.problem;
    this.files.set(this.place(origin), payload);
  }

  async remove(origin: Name): Promise<void> {
    this.files.delete(this.place(origin));
  }
}
