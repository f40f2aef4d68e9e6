/**
 * One process per store directory: `owner.json` names the process that has it open. A process that died,
 * however it died, owns nothing: it is known by its id together with the moment it and the machine started.
 *
 * Whoever reads and writes the file holds a lock across processes (the store's own write lock), so two
 * processes starting at once cannot both find it free.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ErrorCode, WindhoverError } from "../base/errors.ts";

interface Owner {
  readonly pid: number;
  /** When the process started, in ticks since the machine did; empty where the system does not tell. */
  readonly started: string;
  /** Which start of the machine; empty where the system does not tell. */
  readonly boot: string;
}

/** Takes the directory for this process. Throws `store-unavailable` naming the process that has it. */
export function claimDirectory(directory: string): void {
  const owner = readOwner(directory);
  if (owner !== undefined && isRunning(owner)) {
    throw new WindhoverError(
      ErrorCode.storeUnavailable,
      `store directory ${directory} is in use by process ${owner.pid}; stop it, or use another directory`,
    );
  }
  writeFileSync(ownerFile(directory), `${JSON.stringify(describeProcess(process.pid))}\n`);
}

export function releaseDirectory(directory: string): void {
  rmSync(ownerFile(directory), { force: true });
}

function ownerFile(directory: string): string {
  return join(directory, "owner.json");
}

/** `undefined` also for a file that is no owner: a crash of the machine may leave an empty one. */
function readOwner(directory: string): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(readFileSync(ownerFile(directory), "utf8"));
    return isOwner(owner) ? owner : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

function isOwner(value: unknown): value is Owner {
  if (typeof value !== "object" || value === null) return false;
  const { pid, started, boot } = value as Partial<Owner>;
  return Number.isSafeInteger(pid) && typeof started === "string" && typeof boot === "string";
}

function isRunning(owner: Owner): boolean {
  if (!isAlive(owner.pid)) return false;
  const now = describeProcess(owner.pid);
  return owner.started === now.started && owner.boot === now.boot;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function describeProcess(pid: number): Owner {
  return { pid, started: startOf(pid), boot: readSystem("/proc/sys/kernel/random/boot_id") };
}

/** Field 22 of /proc/<pid>/stat (proc(5)); the name in field 2 may itself hold blanks and parentheses. */
function startOf(pid: number): string {
  const stat = readSystem(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function readSystem(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
