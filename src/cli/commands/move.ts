/** `windhover move`: a store's zones, histories and documents into another store. */
import { parseArgs } from "node:util";
import { systemClock } from "../../base/clock.ts";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import { copyStore } from "../../store/copy-store.ts";
import { openExistingStore, openStore, shownLocation } from "../../store/open-store.ts";
import { formatName, parseName } from "../../wire/name.ts";
import type { CommandContext } from "../command.ts";
import { COMMAND_USAGE } from "../usage.ts";

/** Milliseconds between two lines about how far it is. */
const TELL_MS = 2_000;

export async function moveCommand(args: readonly string[], context: CommandContext): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      from: { type: "string" },
      to: { type: "string" },
      zone: { type: "string", multiple: true },
      replace: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { out, err } = context;
  if (values.help) return void out.write(COMMAND_USAGE.move ?? "");
  const { from, to } = values;
  if (from === undefined || to === undefined) {
    throw new WindhoverError(ErrorCode.badRequest, "say --from STORE and --to STORE");
  }
  const { url: _, waitReplicas, ...redis } = context.config().store;
  const source = await openExistingStore(from, redis);
  try {
    const target = await openStore(to, to.includes("://") ? { ...redis, waitReplicas } : redis);
    try {
      let toldMs = systemClock.monotonicMs();
      const outcome = await copyStore(source, target, {
        origins: values.zone?.map((each) => parseName(each)),
        replace: values.replace,
        onZone: ({ origin, serial, rrsets, changes, isKept }, at, of) => {
          const isLast = at === of;
          const now = systemClock.monotonicMs();
          if (!isLast && of > 20 && now - toldMs < TELL_MS) return;
          toldMs = now;
          const what = isKept ? "was there already" : "copied and read back";
          const size = `${rrsets} RRsets, ${changes} changes`;
          out.write(`${at}/${of} ${formatName(origin)} serial ${serial}: ${what} (${size})\n`);
        },
      });
      for (const { origin, problem } of outcome.unreadable) {
        err.write(`not copied: ${formatName(origin)}: ${problem}\n`);
      }
      const { zones, documents } = outcome;
      out.write(
        `zones ${zones}, documents ${documents}: all in ${shownLocation(to)}; ${shownLocation(from)} is as it was\n`,
      );
      if (outcome.unreadable.length > 0) {
        const message = `${outcome.unreadable.length} zones could not be read and were not copied`;
        throw new WindhoverError(ErrorCode.storeFormat, message);
      }
      out.write(`to use it, say in the configuration:  store: ${shownLocation(to)}\n`);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
