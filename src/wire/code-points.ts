/** Numbers of the IANA DNS registries that the server itself acts on. Names of RR types live in `rr-types.ts`. */

export const Opcode = { query: 0, status: 2, notify: 4, update: 5 } as const;

export const Rcode = {
  noError: 0,
  formErr: 1,
  servFail: 2,
  nxDomain: 3,
  notImp: 4,
  refused: 5,
  yxDomain: 6,
  yxRRset: 7,
  nxRRset: 8,
  notAuth: 9,
  notZone: 10,
  badVers: 16,
  badCookie: 23,
} as const;
export type Rcode = (typeof Rcode)[keyof typeof Rcode];

/** RFC 8945 §5.2.2: the error field of a TSIG RR. */
export const TsigError = { none: 0, badSig: 16, badKey: 17, badTime: 18, badTrunc: 22 } as const;

export const Class = { in: 1, ch: 3, none: 254, any: 255 } as const;

export const Type = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  TLSA: 52,
  SVCB: 64,
  HTTPS: 65,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  CAA: 257,
} as const;

/** EDNS option codes (RFC 6891 §9). */
export const EdnsOption = {
  nsid: 3,
  cookie: 10,
  tcpKeepalive: 11,
  padding: 12,
  extendedError: 15,
} as const;

/** Extended DNS error info-codes (RFC 8914 §5.2) that we send. */
export const ExtendedError = {
  other: 0,
  notReady: 14,
  blocked: 15,
  prohibited: 18,
  notAuthoritative: 20,
  notSupported: 21,
  networkError: 23,
  invalidData: 24,
} as const;

/** Octets of a message's header (RFC 1035 §4.1.1). */
export const HEADER_LENGTH = 12;

/** Header flag bits of the 16-bit word at offset 2 (RFC 1035 §4.1.1). */
export const HeaderFlag = {
  qr: 0x8000,
  aa: 0x0400,
  tc: 0x0200,
  rd: 0x0100,
  ra: 0x0080,
  z: 0x0040,
  ad: 0x0020,
  cd: 0x0010,
} as const;

/** Types that exist only in questions or messages and are never zone data: RFC 6895 §3.1's meta and Q types. */
export function isMetaType(rrtype: number): boolean {
  return rrtype === 0 || rrtype === Type.OPT || (rrtype >= 128 && rrtype <= 255);
}
