/** Options that may stand anywhere on the command line: which configuration, which socket. */
import { ErrorCode, WindhoverError } from "../base/errors.ts";

export interface GlobalOptions {
  readonly config: string | undefined;
  readonly socket: string | undefined;
  /** Everything else, in order. */
  readonly rest: readonly string[];
}

export function takeGlobalOptions(argv: readonly string[]): GlobalOptions {
  const taken: { config: string | undefined; socket: string | undefined } = {
    config: undefined,
    socket: undefined,
  };
  const rest: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const match = /^--(config|socket)(?:=(.*))?$/s.exec(argv[at] as string);
    if (match === null) {
      rest.push(argv[at] as string);
      continue;
    }
    const option = match[1] as "config" | "socket";
    const value = match[2] ?? argv[++at];
    if (value === undefined || value === "") {
      throw new WindhoverError(ErrorCode.badRequest, `--${option} needs a path`);
    }
    taken[option] = value;
  }
  return { ...taken, rest };
}
