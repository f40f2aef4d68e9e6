/** `windhover zone label`: names for points of a zone's history. */
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import { type Command, type CommandContext, oneArgument, unknownWord } from "../command.ts";
import { formatTable } from "../text-table.ts";
import { zonePath } from "../zone-path.ts";

interface Label {
  readonly label: string;
  readonly serial: number;
  readonly sequence: number;
  readonly time?: string;
  readonly made: string;
}

export async function labelZone(args: readonly string[], context: CommandContext): Promise<void> {
  const [origin, word, ...rest] = args;
  if (origin === undefined || word === undefined) {
    const message = "name the zone's origin, then say add NAME [POINT], list, or remove NAME";
    throw new WindhoverError(ErrorCode.badRequest, message);
  }
  const commands: Readonly<Record<string, Command>> = {
    add: (words) => add(origin, words, context),
    list: () => list(origin, context),
    remove: (words) => remove(origin, words, context),
  };
  const command = commands[word];
  if (command === undefined) {
    throw unknownWord(`zone label ORIGIN ${word}`, word, Object.keys(commands));
  }
  await command(rest, context);
}

async function add(
  origin: string,
  [label, point, extra]: readonly string[],
  { client, out }: CommandContext,
): Promise<void> {
  const name = oneArgument(label === undefined ? [] : [label], "the label");
  if (extra !== undefined) {
    throw new WindhoverError(ErrorCode.badRequest, `"${extra}" is one word too many`);
  }
  const path = `${zonePath(origin)}/labels`;
  const body = { label: name, ...(point === undefined ? {} : { point }) };
  const made = await client().json<Label>({ method: "POST", path, body });
  out.write(`label ${made.label} names serial ${made.serial} (#${made.sequence})\n`);
}

async function list(origin: string, { client, out }: CommandContext): Promise<void> {
  const labels = await client().json<(Label & { isKept: boolean })[]>({
    method: "GET",
    path: `${zonePath(origin)}/labels`,
  });
  const rows = labels.map(({ label, serial, sequence, time = "", made, isKept }) => [
    label,
    String(serial),
    `#${sequence}`,
    isKept ? time : "no longer kept",
    made,
  ]);
  out.write(formatTable(["LABEL", "SERIAL", "CHANGE", "OF", "MADE"], rows));
}

async function remove(
  origin: string,
  words: readonly string[],
  { client, out }: CommandContext,
): Promise<void> {
  const label = oneArgument(words, "the label");
  const path = `${zonePath(origin)}/labels/${encodeURIComponent(label)}`;
  await client().json({ method: "DELETE", path });
  out.write(`removed label ${label}\n`);
}
