/**
 * Notices when files change, by looking at them again and again: an editor saves by renaming, a renewal or a ConfigMap
 * leads a symbolic link elsewhere, and a watch on what was there before sees neither. What is being written is given
 * time: files count as changed when they look the same twice and other than before.
 */
import { stat } from "node:fs/promises";
import { errorMessage } from "../base/errors.ts";

export interface WatchedFilesParts {
  readonly paths: readonly string[];
  /** Milliseconds between two looks. */
  readonly everyMs: number;
  /** Must not reject; looks wait for it. */
  readonly onChange: () => Promise<void>;
}

export class WatchedFiles {
  readonly #parts: WatchedFilesParts;
  /** How the files looked when they counted as changed last. */
  #settled: string;
  /** How they looked last. */
  #last: string;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  private constructor(parts: WatchedFilesParts, look: string) {
    this.#parts = parts;
    this.#settled = look;
    this.#last = look;
  }

  /** To be called before the files are read, so that no change is missed. */
  static async open(parts: WatchedFilesParts): Promise<WatchedFiles> {
    return new WatchedFiles(parts, await lookOf(parts.paths));
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.look(), this.#parts.everyMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Never rejects. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const look = await lookOf(this.#parts.paths);
    const isSettled = look === this.#last;
    this.#last = look;
    if (isSettled && look !== this.#settled) {
      this.#settled = look;
      await this.#parts.onChange();
    }
    this.#isLooking = false;
  }
}

/** Changes whenever a file does, or what a link on its path leads to; where there is none, whenever one comes. */
async function lookOf(paths: readonly string[]): Promise<string> {
  const looks = paths.map(async (path) => {
    try {
      const { dev, ino, mtimeMs, ctimeMs, size } = await stat(path);
      return `${dev} ${ino} ${mtimeMs} ${ctimeMs} ${size}`;
    } catch (error) {
      return errorMessage(error);
    }
  });
  return (await Promise.all(looks)).join("\n");
}
