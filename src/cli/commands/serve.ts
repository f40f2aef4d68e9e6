/** `windhover serve`: starts the server, says what to try, and stops it in order on a signal. */
import { build as pretty } from "pino-pretty";
import { createLogger, type Logger } from "../../base/log.ts";
import type { Config } from "../../config/config.ts";
import { startServer } from "../../server/start.ts";
import { type CommandContext, oneArgument } from "../command.ts";
import { COMMAND_USAGE } from "../usage.ts";

export async function serveCommand(
  args: readonly string[],
  context: CommandContext,
): Promise<void> {
  if (args.includes("--help")) {
    context.out.write(COMMAND_USAGE.serve ?? "");
    return;
  }
  if (args.length > 0) oneArgument(["serve", ...args], "nothing more");
  const config = context.config();
  const log = serverLog(config);
  const server = await startServer(config, log);
  for (const line of server.firstSteps) context.out.write(`${line}\n`);
  const signal = await firstSignal();
  log.info({ signal }, "stopping");
  await server.close();
  log.info({}, "stopped");
}

/** JSON for programs, readable lines for a person at a terminal. Both go to standard error. */
function serverLog({ logLevel }: Config): Logger {
  const terminal = process.stderr.isTTY;
  const lines = terminal ? pretty({ sync: true, destination: 2, singleLine: true }) : undefined;
  return createLogger(logLevel, lines ?? process.stderr);
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.once(signal, () => resolve(signal));
  });
}
