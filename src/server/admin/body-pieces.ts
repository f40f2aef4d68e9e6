/**
 * The body of a request in the pieces in which it came. A large zone file is not put together: copying it would keep
 * everything else on the main thread waiting.
 */
import type { Readable } from "node:stream";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";

export interface BodyPieces {
  readonly pieces: readonly Uint8Array[];
  readonly length: number;
}

/** Rejects with `limit` for more octets than that; who sends them can still be told. */
export async function readPieces(body: Readable, limit: number): Promise<BodyPieces> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body.iterator({ destroyOnReturn: false })) {
    length += (piece as Uint8Array).length;
    if (length > limit) {
      const message = `the zone file has more than ${limit} octets: split the zone`;
      throw new WindhoverError(ErrorCode.limit, message);
    }
    pieces.push(piece as Uint8Array);
  }
  return { pieces, length };
}
