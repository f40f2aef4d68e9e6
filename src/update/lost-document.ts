/**
 * Lost changes as a stored document and back. RRsets are as stores keep them (`store/rrset-record.ts`), in base64:
 * key, as it was shown, as it is stored (null where there is none), and whether it was changed since.
 */
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import {
  readRRsetKey,
  readRRsetValue,
  writeRRsetKey,
  writeRRsetValue,
} from "../store/rrset-record.ts";
import type { StoreDocument } from "../store/store.ts";
import { formatName, type Name, parseName } from "../wire/name.ts";
import type { RRset } from "../zone/rrset.ts";
import type { LostPart, LostRRset } from "./lost-changes.ts";

const Version = Type.Object({
  serial: Type.Integer(),
  sequence: Type.Integer(),
  mark: Type.Optional(Type.Integer()),
});

const Value64 = Type.Union([Type.String(), Type.Null()]);

const LostDocument = Type.Object({
  version: Type.Literal(1),
  origin: Type.String(),
  shown: Version,
  stored: Version,
  timeMs: Type.Integer(),
  marks: Type.Array(Type.Integer()),
  rrsets: Type.Array(Type.Tuple([Type.String(), Value64, Value64, Type.Boolean()])),
  dropped: Type.Integer(),
});
type LostDocument = Static<typeof LostDocument>;

/** Two nodes that showed the same version lost the same, and write one document. */
export function lostId({ origin, shown }: LostPart): string {
  return `${formatName(origin)} ${shown.sequence} ${shown.mark ?? 0}`;
}

export function writeLost(part: LostPart): string {
  const { origin } = part;
  const rrsets = part.rrsets.map(({ owner, rrtype, shown, stored, isChangedSince }) => [
    writeRRsetKey(owner, rrtype, origin).toString("base64"),
    encode(shown),
    encode(stored),
    isChangedSince,
  ]);
  return JSON.stringify({ ...part, version: 1, origin: formatName(origin), rrsets });
}

/** Throws `store-format` naming the document. */
export function readLost({ id, json }: StoreDocument): LostPart {
  const place = `the document lost "${id}"`;
  let document: LostDocument;
  try {
    document = Value.Decode(LostDocument, JSON.parse(json));
  } catch (error) {
    const message = `${place} cannot be read: ${errorMessage(error)}. It was left as it is`;
    throw new WindhoverError(ErrorCode.storeFormat, message);
  }
  const { version: _, ...rest } = document;
  const origin = parseName(document.origin);
  const rrsets = document.rrsets.map((each) => readRRset(each, origin, place));
  return { ...(rest as Omit<LostPart, "origin" | "rrsets">), origin, rrsets };
}

function readRRset(
  [key, shown, stored, isChangedSince]: LostDocument["rrsets"][number],
  origin: Name,
  place: string,
): LostRRset {
  const name = readRRsetKey(Buffer.from(key, "base64"), 0, origin, place);
  const decode = (text: string | null) =>
    text === null ? undefined : readRRsetValue(Buffer.from(text, "base64"), name, place);
  return { ...name, shown: decode(shown), stored: decode(stored), isChangedSince };
}

function encode(rrset: RRset | undefined): string | null {
  return rrset === undefined ? null : Buffer.from(writeRRsetValue(rrset)).toString("base64");
}
