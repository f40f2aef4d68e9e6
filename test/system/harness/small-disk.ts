/** Real disks of a few megabytes that a test fills, breaks, takes away and brings back. Only root may make them. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { findProgram, run } from "./program.ts";

export interface SmallDisk {
  /** Where it is mounted. */
  readonly path: string;
  /** Takes it away under whoever uses it. */
  detach(): void;
  /** The same disk in the same place again. */
  attach(): void;
  remove(): void;
}

function mount(...args: string[]): void {
  const { status, stderr } = run("mount", args);
  if (status !== 0) throw new Error(`mount ${args.join(" ")}: ${stderr}`);
}

const unmount = (path: string) => run("umount", ["--lazy", path]);

/** In memory; `undefined` where it may not be mounted. */
export function makeMemoryDisk(directory: string, bytes: number): SmallDisk | undefined {
  const path = join(directory, "disk");
  const second = join(directory, "second");
  mkdirSync(path);
  mkdirSync(second);
  if (findProgram("mount") === undefined) return undefined;
  if (run("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path]).status !== 0) {
    return undefined;
  }
  // Mounted a second time, it outlives the first.
  mount("--bind", path, second);
  return {
    path,
    detach: () => void unmount(path),
    attach: () => mount("--bind", second, path),
    remove() {
      unmount(path);
      unmount(second);
    },
  };
}

/** A file system that becomes read-only at an error, as those of real disks do. */
export interface ErringDisk extends SmallDisk {
  /** From now on nothing can be written, also through what is open. */
  fail(): void;
}

/** ext4 in a file; `undefined` where it may not be mounted, or cannot be told to err. */
export function makeErringDisk(directory: string, bytes: number): ErringDisk | undefined {
  const path = join(directory, "erring");
  const image = join(directory, "image");
  mkdirSync(path);
  if (["mount", "mkfs.ext4", "e2fsck"].some((each) => findProgram(each) === undefined)) {
    return undefined;
  }
  writeFileSync(image, Buffer.alloc(bytes));
  const options = ["-o", "loop,errors=remount-ro", image, path];
  if (run("mkfs.ext4", ["-q", "-F", image]).status !== 0) return undefined;
  if (run("mount", options).status !== 0) return undefined;
  const trigger = () => {
    const { stdout } = run("findmnt", ["-n", "-o", "SOURCE", path]);
    return `/sys/fs/ext4/${basename(stdout.trim())}/trigger_fs_error`;
  };
  const remove = () => void run("umount", [path]);
  if (!existsSync(trigger())) {
    remove();
    return undefined;
  }
  return {
    path,
    fail: () => writeFileSync(trigger(), "1"),
    detach: remove,
    attach() {
      run("e2fsck", ["-y", "-f", image]);
      mount(...options);
    },
    remove,
  };
}
