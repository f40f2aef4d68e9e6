/** A query as the gate has read it. One object per answering function, filled anew for each message. */
import type { LookupName } from "../table/lookup-name.ts";
import { CookieState } from "./cookies.ts";

export class IncomingQuery {
  /** The qname, folded and hashed; the case asked with stays in the message. */
  readonly name: LookupName;
  /** Offset after the question; 12 when the question could not be read, so that only the header is echoed. */
  questionEnd = 12;
  qtype = 0;
  qclass = 0;
  /** A well-formed OPT came, so an OPT goes back (RFC 6891 §6.1.1). */
  hasEdns = false;
  /** What the client's OPT offers; 512 without one, and never less (RFC 6891 §6.2.3). */
  payload = 512;
  isDnssecOk = false;
  wantsNsid = false;
  /** Set by the caller: edns-tcp-keepalive means something on streams alone (RFC 7828 §3.2.1). */
  isStream = false;
  wantsKeepalive = false;
  /** Where the value of the COOKIE option stands, and its octets; 0 without one. */
  cookieAt = 0;
  cookieLength = 0;
  cookie: CookieState = CookieState.absent;
  /** For `Verdict.reject`: the rcode, extended ones included. */
  rcode = 0;
  /** For a response that refuses: the info-code of RFC 8914, −1 for none. */
  extendedError = -1;

  constructor(name: LookupName) {
    this.name = name;
  }
}
