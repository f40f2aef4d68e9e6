#!/usr/bin/env node
/** The command line: finds the command, gives it what it needs, turns errors into one clear line. */
import { existsSync, readFileSync } from "node:fs";
import { errorMessage, WindhoverError } from "../base/errors.ts";
import { type Config, type ConfigSource, loadConfig } from "../config/config.ts";
import { type Command, type CommandContext, unknownWord } from "./command.ts";
import { keyCommand } from "./commands/key.ts";
import { reloadCommand } from "./commands/reload.ts";
import { tokenCommand } from "./commands/token.ts";
import { zoneCommand } from "./commands/zone.ts";
import { takeGlobalOptions } from "./global-options.ts";
import { SocketClient } from "./socket-client.ts";
import { USAGE } from "./usage.ts";

const COMMANDS: Readonly<Record<string, Command>> = {
  /** Loaded when it is wanted: the other commands start without the server. */
  serve: async (args, context) => (await import("./commands/serve.ts")).serveCommand(args, context),
  zone: zoneCommand,
  key: keyCommand,
  token: tokenCommand,
  reload: reloadCommand,
  /** Loaded when they are wanted: they bring the stores. */
  backup: async (args, context) =>
    (await import("./commands/backup.ts")).backupCommand(args, context),
  restore: async (args, context) =>
    (await import("./commands/backup.ts")).restoreCommand(args, context),
  move: async (args, context) => (await import("./commands/move.ts")).moveCommand(args, context),
};

const DEFAULT_FILE = "windhover.yaml";

async function main(argv: readonly string[]): Promise<void> {
  const { config: named, socket, rest } = takeGlobalOptions(argv);
  const [word, ...args] = rest.map((each) => (each === "-h" ? "--help" : each));
  if (word === "--version") return void process.stdout.write(`windhover ${packageVersion()}\n`);
  if (word === undefined || word === "help" || word === "--help")
    return void process.stdout.write(USAGE);
  const command = COMMANDS[word];
  if (command === undefined) throw unknownWord(word, word, Object.keys(COMMANDS));
  const file = named ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
  const configSource: ConfigSource = { file, directory: process.cwd() };
  const config = once(() => loadConfig(configSource));
  const context: CommandContext = {
    config,
    configSource,
    client: () => new SocketClient(socket ?? config().socket),
    input: process.stdin,
    out: process.stdout,
    err: process.stderr,
  };
  if (word !== "serve") process.stdout.on("error", endWithReader);
  await command(args, context);
}

/** `windhover … | head` has what it wanted: nobody made a mistake. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit();
}

function once(load: () => Config): () => Config {
  let loaded: Config | undefined;
  return () => {
    loaded ??= load();
    return loaded;
  };
}

function packageVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** What a person did wrong is one line; what we did wrong is a stack. */
function report(error: unknown): void {
  const { code } = error as { code?: string };
  const isTheirs = error instanceof WindhoverError || code?.startsWith("ERR_PARSE_ARGS");
  let detail = isTheirs || !(error instanceof Error) ? errorMessage(error) : error.stack;
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
    detail = `${detail?.replace(/^Unknown option ('[^']*').*$/, "unknown option $1")}; see --help`;
  }
  process.stderr.write(`windhover: ${detail}\n`);
  process.exitCode = 1;
}

main(process.argv.slice(2)).catch(report);
