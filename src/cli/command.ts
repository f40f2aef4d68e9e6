/** What every command is given, and how one is found by its name. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import type { Config, ConfigSource } from "../config/config.ts";
import { nearestKey } from "../config/nearest-key.ts";
import type { SocketClient } from "./socket-client.ts";
import { COMMAND_USAGE } from "./usage.ts";

export interface CommandContext {
  /** The server's socket, as --socket or the configuration names it; made when first asked for. */
  readonly client: () => SocketClient;
  readonly config: () => Config;
  /** Where `config` reads it from. */
  readonly configSource: ConfigSource;
  readonly input: NodeJS.ReadableStream;
  readonly out: NodeJS.WritableStream;
  readonly err: NodeJS.WritableStream;
}

export type Command = (args: readonly string[], context: CommandContext) => Promise<void>;

/** Runs `windhover NAME WORD …`; without a word, or with --help, shows how. */
export async function subcommand(
  name: string,
  commands: Readonly<Record<string, Command>>,
  args: readonly string[],
  context: CommandContext,
): Promise<void> {
  const [word, ...rest] = args;
  if (word === undefined || args.includes("--help")) {
    context.out.write(COMMAND_USAGE[name] ?? "");
    return;
  }
  const command = commands[word];
  if (command === undefined) throw unknownWord(`${name} ${word}`, word, Object.keys(commands));
  await command(rest, context);
}

export function unknownWord(said: string, word: string, known: readonly string[]): WindhoverError {
  const nearest = nearestKey(word, known);
  const advice =
    nearest === undefined ? `known: ${known.join(", ")}` : `did you mean \`${nearest}\`?`;
  return new WindhoverError(ErrorCode.badRequest, `unknown command \`${said}\`; ${advice}`);
}

export function oneArgument(args: readonly string[], what: string): string {
  const [first, extra] = args;
  if (first === undefined) throw new WindhoverError(ErrorCode.badRequest, `name ${what}`);
  if (extra !== undefined) {
    throw new WindhoverError(ErrorCode.badRequest, `"${extra}" is one word too many`);
  }
  return first;
}
