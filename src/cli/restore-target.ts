/** Where a backup goes: the running server, or the store itself where none runs. */
import { Readable } from "node:stream";
import { type ErrorCode, WindhoverError } from "../base/errors.ts";
import { createLogger } from "../base/log.ts";
import { openOffline } from "../server/open-offline.ts";
import { type RestoreOptions, type RestoreStep, restoreBackup } from "../server/restore-backup.ts";
import { shownLocation } from "../store/open-store.ts";
import { formatName } from "../wire/name.ts";
import type { CommandContext } from "./command.ts";
import { isNoServer } from "./socket-client.ts";
import { withZones } from "./zone-path.ts";

export interface PresentZone {
  readonly origin: string;
  readonly serial: number;
  readonly sequence: number;
}

export interface RestoreTarget {
  zones(): Promise<readonly PresentZone[]>;
  restore(chunks: AsyncIterable<Uint8Array>, options: RestoreOptions): AsyncIterable<RestoreStep>;
  close(): Promise<void>;
}

/** With a location that store itself, else the running server, else the store that the configuration names. */
export async function openRestoreTarget(
  context: CommandContext,
  location: string | undefined,
): Promise<RestoreTarget> {
  if (location !== undefined) return openStoreTarget(context, location);
  try {
    await context.client().json({ method: "GET", path: "/v1/zones" });
  } catch (error) {
    if (!isNoServer(error)) throw error;
    const { url } = context.config().store;
    context.err.write(
      `no server is running: writing into the store ${shownLocation(url)} itself\n`,
    );
    return openStoreTarget(context, url);
  }
  return serverTarget(context);
}

function serverTarget({ client }: CommandContext): RestoreTarget {
  return {
    zones: () => client().json<PresentZone[]>({ method: "GET", path: "/v1/zones" }),
    async *restore(chunks, { origins, replace }) {
      const path = withZones("/v1/restore", origins, { replace: String(replace) });
      const text = Readable.from(chunks, { objectMode: false });
      const answer = await client().open({ method: "POST", path, text });
      for await (const line of linesOf(answer.chunks)) yield readStep(line);
    },
    close: async () => {},
  };
}

type Failed = { readonly failed: { readonly code: ErrorCode; readonly message: string } };

function readStep(line: string): RestoreStep {
  const step = JSON.parse(line) as RestoreStep | Failed;
  if ("failed" in step) throw new WindhoverError(step.failed.code, step.failed.message);
  return step;
}

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + chunk.toString("utf8")).split("\n");
    rest = lines.pop() as string;
    yield* lines;
  }
}

async function openStoreTarget(context: CommandContext, location: string): Promise<RestoreTarget> {
  const { store, limits } = context.config();
  const { url: _, ...options } = store;
  const parts = await openOffline(location, {
    store: options,
    zoneRRsets: limits.zoneRRsets,
    log: createLogger("error"),
  });
  return {
    zones: async () =>
      parts.engine.zones().map(({ origin, serial, sequence }) => ({
        origin: formatName(origin),
        serial,
        sequence,
      })),
    restore: (chunks, options) => restoreBackup(parts, chunks, options),
    close: () => parts.close(),
  };
}
