/**
 * What the journal has as the door of a change that goes back: the door, and where to. The field always was text, so every
 * store, backup and version keeps it as it is, and who knows nothing of it shows it.
 *
 *     cli                                  any other change
 *     cli (revert of #4)                   one change undone
 *     cli (revert to #2)                   the zone as it was after a change
 *     cli (revert to #2 for 3 names)       some of its names
 *     cli (revert to #2 for www.dyn.example.com.)
 */
import { formatName } from "../wire/name.ts";
import type { Revert } from "./revert-zone.ts";

export type RevertDoor = `${string} (revert ${string})`;

/** Where a change went back to. */
export interface RevertNote {
  /** The change that it undid. */
  readonly change?: number;
  /** The change after which the zone stood as it made it. */
  readonly to?: number;
  /** With `to`: the name, or how many of them. */
  readonly for?: string;
}

export function revertDoor(door: string, revert: Revert): RevertDoor {
  if (revert.kind === "change") return `${door} (revert of #${revert.entry.sequence})`;
  const { version, owners = [] } = revert;
  const [first] = owners;
  // Of many only the number: a text has its bound, and the entry has the names.
  const names =
    first !== undefined && owners.length === 1 ? formatName(first) : `${owners.length} names`;
  return `${door} (revert to #${version.sequence}${first === undefined ? "" : ` for ${names}`})`;
}

export function readDoor(text: string): { readonly door: string; readonly revert?: RevertNote } {
  const match = /^(\S+) \(revert (of|to) #(\d{1,16})(?: for (\S+|\d+ names))?\)$/.exec(text);
  if (match === null) return { door: text };
  const [, door = "", way, sequence, names] = match;
  if (way === "of") return { door, revert: { change: Number(sequence) } };
  return { door, revert: { to: Number(sequence), ...(names !== undefined && { for: names }) } };
}
