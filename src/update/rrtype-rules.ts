/** What an update has to know about some rrtypes; a type that is not named here has no rule of its own. */
import { Type } from "../wire/code-points.ts";

/** RFC 1035 §3.4.2: obsolete, but RFC 2136 §1.1.5 has a rule for it. */
export const WKS = 11;

const SIG = 24;
const KEY = 25;
const NXT = 30;
const NSEC3 = 50;

/** At most one RR in the RRset (RFC 1034 §3.6.2, RFC 6672 §2.4, RFC 2136 §1.1.5). */
export function isSingleton(rrtype: number): boolean {
  return rrtype === Type.CNAME || rrtype === Type.DNAME || rrtype === Type.SOA;
}

/** May stand beside a CNAME (RFC 4034 §3, §4; RFC 2535 §2.3.5). */
export function isBesideCname(rrtype: number): boolean {
  return rrtype === Type.RRSIG || rrtype === Type.NSEC || rrtype === KEY;
}

/** Follows from the rest of the zone, so only who signs the zone writes it (RFC 3007 §4.1, RFC 4035 §2). */
export function isSignerType(rrtype: number): boolean {
  return (
    rrtype === Type.RRSIG ||
    rrtype === Type.NSEC ||
    rrtype === NSEC3 ||
    rrtype === SIG ||
    rrtype === NXT
  );
}
