/** Structured logs: one JSON line per event (pino), or readable lines on a terminal's wish. */
import { format } from "node:util";
import { type DestinationStream, pino } from "pino";

/** What parts of the server see of the log; a test hands in its own. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): Logger;
  /** Whether a line of this level is written: asked before its fields are put together at a cost. */
  isLevelEnabled?(level: string): boolean;
}

/** The log of a whole program: how much it tells may change at any time. */
export interface ProgramLog extends Logger {
  level: string;
}

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Values under these keys never reach a log, wherever they stand. */
const SECRETS = [
  "secret",
  "password",
  "token",
  "authorization",
  "*.secret",
  "*.password",
  "*.token",
];

export function createLogger(level: LogLevel, destination?: DestinationStream): ProgramLog {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRETS, censor: "[hidden]" },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/**
 * What libraries tell the console of (ioredis a user that may not ask `INFO`, lmdb-js a disk that fails) becomes events
 * of the log: who reads its lines finds no others between them. Returns the way back.
 */
export function takeConsole(log: Logger): () => void {
  const { warn, error } = console;
  console.warn = (...parts: unknown[]) => log.warn({}, format(...parts));
  console.error = (...parts: unknown[]) => log.error({}, format(...parts));
  return () => Object.assign(console, { warn, error });
}

/**
 * Writes the lines of one turn of the event loop with one call, at its end: a commit of a thousand updates is one write,
 * not a thousand. A process that exits, by an uncaught error too, writes first. One that is killed in the middle of a
 * turn loses that turn's lines, of changes that the journal has.
 */
export function gatherLines(out: { write(text: string): unknown }): DestinationStream {
  let lines = "";
  const flush = (): void => {
    const text = lines;
    lines = "";
    if (text !== "") out.write(text);
  };
  process.once("exit", flush);
  return {
    write(line) {
      if (lines === "") process.nextTick(flush);
      lines += line;
    },
  };
}
