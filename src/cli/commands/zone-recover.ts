/** `windhover zone recover`: what the store lost and a node still had. */
import { parseArgs } from "node:util";
import { formatName, parseName } from "../../wire/name.ts";
import type { CommandContext } from "../command.ts";
import { oneArgument } from "../command.ts";
import { zonePath } from "../zone-path.ts";

interface Recovered {
  readonly status: "applied" | "unchanged" | "discarded" | "would-recover" | "would-discard";
  readonly serial?: number;
  readonly rrsets: number;
  readonly recovered: number;
  readonly removed: readonly string[];
  readonly added: readonly string[];
  readonly omitted: number;
  readonly changedSince: number;
  readonly changed: readonly string[];
  readonly dropped: number;
}

export async function recoverZone(
  args: readonly string[],
  { client, out }: CommandContext,
): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      "dry-run": { type: "boolean", default: false },
      discard: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const origin = oneArgument(positionals, "the zone's origin");
  const done = await client().json<Recovered>({
    method: "POST",
    path: `${zonePath(origin)}/recover`,
    body: { dryRun: values["dry-run"], discard: values.discard },
  });
  if (values.json) out.write(`${JSON.stringify(done, null, 2)}\n`);
  else out.write(formatRecovered(formatName(parseName(origin)), done));
}

function formatRecovered(zone: string, done: Recovered): string {
  if (done.rrsets === 0 && (done.dropped ?? 0) === 0)
    return `nothing of ${zone} waits to be recovered\n`;
  if (done.status === "discarded") return `discarded ${done.rrsets} lost RRsets of ${zone}\n`;
  const verb = { "would-recover": "would recover", "would-discard": "would discard" }[
    done.status as string
  ];
  const serial = verb === undefined ? ` serial ${done.serial}` : "";
  const lines = [
    `${verb ?? "recovered"} ${zone}${serial}: ${done.recovered} RRsets`,
    ...done.removed.map((line) => `- ${line}`),
    ...done.added.map((line) => `+ ${line}`),
  ];
  if (done.omitted > 0) lines.push(`… and ${done.omitted} more records`);
  if (done.changedSince > 0)
    lines.push(`changed again since, left as they are (${done.changedSince}):`);
  lines.push(...done.changed.map((name) => `  ${name}`));
  if (done.dropped > 0) lines.push(`${done.dropped} more RRsets were lost and too many to be kept`);
  return `${lines.join("\n")}\n`;
}
