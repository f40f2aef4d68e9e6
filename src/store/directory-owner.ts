/**
 * One process per store directory. The owner listens on the socket `owner.sock` in it: the kernel answers for a living
 * process and for no other, whatever became of it, also where the two cannot see each other's process ids (containers
 * that share a volume). `owner.json` says who it is.
 *
 * Whoever looks and claims holds a lock across processes meanwhile (the store's own write lock), so two processes
 * starting at once cannot both find the directory free.
 */
import { closeSync, constants, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { isAnswered } from "../base/living-socket.ts";

interface Owner {
  readonly pid: number;
  /** Of the machine, or of the container. */
  readonly host: string;
  /** When the process started, in ticks since the machine did; empty where the system does not tell. */
  readonly started: string;
  /** Which start of the machine; empty where the system does not tell. */
  readonly boot: string;
}

export interface DirectoryClaim {
  release(): Promise<void>;
}

/** Throws `store-unavailable` naming the process that has the directory. */
export async function checkUnowned(directory: string): Promise<void> {
  const socket = openSocketPath(directory);
  try {
    await refuseOwned(directory, socket.path);
  } finally {
    socket.close();
  }
}

/** Takes the directory for this process. Throws as `checkUnowned`. */
export async function claimDirectory(directory: string): Promise<DirectoryClaim> {
  const socket = openSocketPath(directory);
  let server: Server | undefined;
  try {
    await refuseOwned(directory, socket.path);
    rmSync(socket.path, { force: true });
    server = await listen(socket.path);
    writeFileSync(ownerFile(directory), `${JSON.stringify(describeProcess(process.pid))}\n`);
  } catch (error) {
    await closed(server);
    socket.close();
    throw error;
  }
  return {
    async release() {
      try {
        rmSync(ownerFile(directory), { force: true });
      } finally {
        await closed(server);
        socket.close();
      }
    },
  };
}

async function refuseOwned(directory: string, socket: string): Promise<void> {
  const owner = readOwner(directory);
  const isOwned = (owner !== undefined && isRunning(owner)) || (await isAnswered(socket));
  if (!isOwned) return;
  const who =
    owner === undefined
      ? "another process"
      : `process ${owner.pid} on ${owner.host || "this host"}`;
  throw new WindhoverError(
    ErrorCode.storeUnavailable,
    `store directory ${directory} is in use by ${who}; stop it, or use another directory`,
  );
}

/** Octets of a path that a socket can be bound to (sockaddr_un, its final zero left out); fewer elsewhere than on Linux. */
const PATH_LENGTH = process.platform === "linux" ? 107 : 103;

/** A longer path is reached by way of the open directory, where the system has that. */
function openSocketPath(directory: string): { readonly path: string; readonly close: () => void } {
  const path = join(directory, "owner.sock");
  if (Buffer.byteLength(path) <= PATH_LENGTH) return { path, close: () => {} };
  const fd = openSync(directory, constants.O_RDONLY);
  return { path: `/proc/self/fd/${fd}/owner.sock`, close: () => closeSync(fd) };
}

/** `undefined` on a file system that knows no sockets: there the process id alone has to do. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.unref();
    server.once("error", (error: NodeJS.ErrnoException) => {
      const isWithout = ["ENOTSUP", "EOPNOTSUPP", "EPERM", "ENOENT"].includes(error.code ?? "");
      if (isWithout) resolve(undefined);
      else reject(error);
    });
    server.listen({ path, exclusive: true }, () => resolve(server));
  });
}

/** The socket is removed with it. */
function closed(server: Server | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (server === undefined) resolve();
    else server.close(() => resolve());
  });
}

function ownerFile(directory: string): string {
  return join(directory, "owner.json");
}

/** `undefined` also for a file that is no owner: a crash of the machine may leave an empty one. */
function readOwner(directory: string): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(readFileSync(ownerFile(directory), "utf8"));
    return isOwner(owner) ? { ...owner, host: owner.host ?? "" } : undefined;
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

/** Known by its id together with the moment it and the machine started. */
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
  const boot = readSystem("/proc/sys/kernel/random/boot_id");
  return { pid, host: hostname(), started: startOf(pid), boot };
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
