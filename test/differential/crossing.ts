/**
 * Alias chains that leave one of our zones for another. We follow them (RFC 1034 §4.3.2 step 3a), Knot and BIND do not,
 * NSD not always as we do. So what we say is taken apart: the links up to the other zone, which some peer must have
 * given too, and what is said of the name there, which is then asked for by itself.
 */

import { Type } from "../../src/wire/code-points.ts";
import {
  canonicalName,
  equalNames,
  formatName,
  isSubdomain,
  type Name,
  parseName,
} from "../../src/wire/name.ts";
import type { NormalForm, Reply } from "./normal-form.ts";
import type { Question } from "./question-generator.ts";

/** Where our answer goes from one zone to another for the first time. */
export interface Crossing {
  /** CNAME and DNAME RRs of the answer up to there. */
  readonly prefix: readonly string[];
  /** The first name in the other zone. */
  readonly target: Name;
}

/** More links than these and the chain may have ended before its end. */
const LINKS = 20;

export function findCrossing(
  { qtype }: Question,
  ours: NormalForm,
  origins: readonly Name[],
): Crossing | undefined {
  if (ours.kind !== "reply" || ours.question === "") return undefined;
  const links = ours.answer.filter((each) => each.includes(" IN CNAME "));
  const passed: string[] = [];
  let owner = formatName(canonicalName(Buffer.from(ours.question, "hex")));
  for (let count = 0; count < LINKS; count++) {
    const link = links.find((each) => each.startsWith(`${owner} `));
    if (link === undefined) return undefined;
    passed.push(link);
    const target = link.slice(link.lastIndexOf(" ") + 1);
    const zone = zoneOf(parseName(target), qtype, origins);
    if (zone !== undefined && zone !== zoneOf(parseName(owner), qtype, origins)) {
      return { prefix: [...passed, ...dnamesAbove(passed, ours)], target: parseName(target) };
    }
    owner = target;
  }
  return undefined;
}

/** The origin of the zone that answers for a name; the parent's for the DS of an apex (RFC 4035 §3.1.4.1). */
function zoneOf(name: Name, qtype: number, origins: readonly Name[]): Name | undefined {
  const above = origins
    .filter((origin) => isSubdomain(name, origin))
    .sort((a, b) => b.length - a.length);
  const isParents = qtype === Type.DS && above.length > 1 && equalNames(above[0] as Name, name);
  return above[isParents ? 1 : 0];
}

function dnamesAbove(links: readonly string[], { answer }: Reply): string[] {
  const owners = links.map(ownerOf);
  return answer.filter(
    (each) =>
      each.includes(" IN DNAME ") && owners.some((owner) => isSubdomain(owner, ownerOf(each))),
  );
}

function ownerOf(record: string): Name {
  return parseName(record.slice(0, record.indexOf(" ")));
}
