/** Bodies of requests, at their bound and past it. */
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { readPieces } from "./body-pieces.ts";

const body = () => Readable.from([Buffer.from("abc"), Buffer.from("de")]);

test("a body is kept in the pieces in which it came, up to its bound", async () => {
  const { pieces, length } = await readPieces(body(), 5);
  expect(pieces.map(String)).toEqual(["abc", "de"]);
  expect(length).toBe(5);
});

test("a larger one is refused, and the connection is left to tell it", async () => {
  const large = body();
  await expect(readPieces(large, 4)).rejects.toMatchObject({
    code: "limit",
    message: "the zone file has more than 4 octets: split the zone",
  });
  expect(large.destroyed).toBe(false);
});
