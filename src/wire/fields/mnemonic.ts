/**
 * Field kinds that are numbers with mnemonics: what RFCs define and other servers read is understood, in any case. Text
 * of ours has the number, but where the RFC asks for the mnemonic.
 */
import { badRdata, type Field, parseNumber, shown } from "../rdata-field.ts";
import { number } from "./number.ts";

type Mnemonics = Readonly<Record<string, number>>;

const EXPECTED = "a known mnemonic or a number";

/** Parsed from either; formatted as the mnemonic only when `isNamed`. */
function mnemonics(length: 1 | 2, names: Mnemonics, isNamed = false): Field {
  const max = 2 ** (8 * length) - 1;
  const numberByName = new Map(Object.entries(names));
  const nameByNumber = new Map(isNamed ? Object.entries(names).map(([k, v]) => [v, k]) : []);
  return number(length, {
    format: (value) => nameByNumber.get(value) ?? String(value),
    parse: (text) => numberByName.get(text.toUpperCase()) ?? parseNumber(text, max, EXPECTED),
  });
}

/** IANA "DNS Security Algorithm Numbers", and BIND's other names for some. */
export const algorithm = mnemonics(1, {
  DELETE: 0,
  RSAMD5: 1,
  DH: 2,
  DSA: 3,
  RSASHA1: 5,
  "DSA-NSEC3-SHA1": 6,
  NSEC3DSA: 6,
  "RSASHA1-NSEC3-SHA1": 7,
  NSEC3RSASHA1: 7,
  RSASHA256: 8,
  RSASHA512: 10,
  "ECC-GOST": 12,
  ECCGOST: 12,
  ECDSAP256SHA256: 13,
  ECDSAP384SHA384: 14,
  ED25519: 15,
  ED448: 16,
  SM2SM3: 17,
  "ECC-GOST12": 23,
  INDIRECT: 252,
  PRIVATEDNS: 253,
  PRIVATEOID: 254,
});

/** IANA "Delegation Signer Digest Algorithms", as BIND reads them. */
export const digestType = mnemonics(1, {
  "SHA-1": 1,
  SHA1: 1,
  "SHA-256": 2,
  SHA256: 2,
  GOST: 3,
  "SHA-384": 4,
  SHA384: 4,
});

/** RFC 5155 §11 */
export const nsec3Hash = mnemonics(1, { "SHA-1": 1 });

const KEY_FLAGS = new Map(
  Object.entries({
    NOCONF: 0x4000,
    NOAUTH: 0x8000,
    NOKEY: 0xc000,
    FLAG2: 0x2000,
    EXTEND: 0x1000,
    FLAG4: 0x0800,
    FLAG5: 0x0400,
    USER: 0,
    ZONE: 0x0100,
    HOST: 0x0200,
    NTYP3: 0x0300,
    FLAG8: 0x0080,
    FLAG9: 0x0040,
    FLAG10: 0x0020,
    FLAG11: 0x0010,
    KSK: 0x0001,
    ...Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`SIG${at}`, at])),
  }),
);

/** RFC 2535 §7.1: mnemonics joined by `|`, or a number; the only form of RFC 4034 §2.2, and ours. */
export const keyFlags = number(2, {
  format: String,
  parse: (text) => {
    if (/^\d/.test(text)) return parseNumber(text, 0xffff, "flags");
    let flags = 0;
    for (const mnemonic of text.toUpperCase().split("|")) {
      const flag = KEY_FLAGS.get(mnemonic);
      if (flag === undefined) throw badRdata(`${shown(mnemonic)} is not a key flag`);
      flags |= flag;
    }
    return flags;
  },
});

/** RFC 2535 §7.1 */
export const keyProtocol = mnemonics(1, {
  NONE: 0,
  TLS: 1,
  EMAIL: 2,
  DNSSEC: 3,
  IPSEC: 4,
  ALL: 255,
});

/** RFC 4398 §2.1 */
const CERTIFICATE_TYPES = {
  PKIX: 1,
  SPKI: 2,
  PGP: 3,
  IPKIX: 4,
  ISPKI: 5,
  IPGP: 6,
  ACPKIX: 7,
  IACPKIX: 8,
  URI: 253,
  OID: 254,
};

export const certificateType = mnemonics(2, CERTIFICATE_TYPES, true);
export const dsyncScheme = mnemonics(1, { NOTIFY: 1 }, true);

/** RFC 7218 §2; numbers are the form of RFC 6698 §2.2. */
export const tlsaUsage = mnemonics(1, {
  "PKIX-TA": 0,
  "PKIX-EE": 1,
  "DANE-TA": 2,
  "DANE-EE": 3,
  PRIVCERT: 255,
});
export const tlsaSelector = mnemonics(1, { CERT: 0, SPKI: 1, PRIVSEL: 255 });
export const tlsaMatching = mnemonics(1, {
  FULL: 0,
  "SHA2-256": 1,
  "SHA2-512": 2,
  PRIVMATCH: 255,
});
