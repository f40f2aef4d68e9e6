/**
 * Zones and journals sent as they are read. A zone is a snapshot while it is sent, so that it is of one serial; that
 * keeps what updates replace meanwhile in memory, which is why there is a bound on how many and how long.
 */
import { Readable } from "node:stream";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";

/** Characters that are sent at once. */
const PIECE = 32_768;

export class ZoneStreams {
  #open = 0;

  /** Sends lines of what `close` ends, once, however the sending ends. Throws `limit` when there are too many. */
  send(lines: Iterable<string> | AsyncIterable<string>, close: () => void = () => {}): Readable {
    if (this.#open >= Limits.zoneExports) {
      close();
      const message = `${this.#open} exports are under way; try again when one has ended`;
      throw new WindhoverError(ErrorCode.limit, message);
    }
    this.#open += 1;
    const stream = Readable.from(Symbol.iterator in lines ? inPieces(lines) : lines);
    const timer = setTimeout(() => {
      const message = `an export took more than ${Limits.zoneExportMs} ms`;
      stream.destroy(new WindhoverError(ErrorCode.limit, message));
    }, Limits.zoneExportMs);
    timer.unref();
    stream.once("close", () => {
      clearTimeout(timer);
      this.#open -= 1;
      close();
    });
    return stream;
  }
}

/** Short lines put together: to send each alone costs several times what it takes to write it. */
function* inPieces(lines: Iterable<string>): Generator<string, void, undefined> {
  let piece = "";
  for (const line of lines) {
    piece += line;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}
