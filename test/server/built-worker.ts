/**
 * The UDP worker as JavaScript. Node 20 cannot start a thread from a `.ts` file, so a test that needs one compiles
 * the thread's entry and what it imports (nothing else, about a second) into a directory of its own under
 * `node_modules`, where packages are found, and takes it away when it is done.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../", import.meta.url));

export interface BuiltWorker {
  /** For `UdpPoolParts.entry`. */
  readonly entry: URL;
  /** As `entry`, but a message on the broadcast channel of this name breaks the thread. */
  readonly breakable: URL;
  readonly breakChannel: string;
  remove(): Promise<void>;
}

export async function buildWorker(): Promise<BuiltWorker> {
  const cache = join(root, "node_modules", ".cache");
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, "windhover-worker-"));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    await compile(directory);
    const breakChannel = `break ${directory}`;
    await writeFile(join(directory, "breakable.js"), breakableEntry(breakChannel));
    const file = (...path: string[]) => pathToFileURL(join(directory, ...path));
    const entry = file("out", "server", "udp-worker.js");
    return { entry, breakable: file("breakable.js"), breakChannel, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function compile(directory: string): Promise<void> {
  const project = join(directory, "tsconfig.json");
  const config = {
    extends: join(root, "tsconfig.build.json"),
    compilerOptions: { rootDir: join(root, "src"), outDir: join(directory, "out") },
    include: [],
    files: [join(root, "src/server/udp-worker.ts")],
  };
  await writeFile(project, JSON.stringify(config));
  await writeFile(join(directory, "package.json"), JSON.stringify({ type: "module" }));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  await promisify(execFile)(process.execPath, [tsc, "-p", project], { cwd: root }).catch(
    (error) => {
      throw new Error(`the worker does not compile:\n${error.stdout}`);
    },
  );
}

function breakableEntry(channel: string): string {
  return `import { BroadcastChannel } from "node:worker_threads";
const channel = new BroadcastChannel(${JSON.stringify(channel)});
channel.onmessage = () => { throw new Error("broken by the test"); };
channel.unref();
await import("./out/server/udp-worker.js");
`;
}
