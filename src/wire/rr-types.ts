/**
 * THE table of RR types: one row each, from the IANA registry. A row's fields are all that reading, writing,
 * parsing and formatting need to know of a type; a row without fields, or no row, means opaque rdata in the
 * form of RFC 3597.
 */

/**
 * What stands in rdata, in wire order. Four kinds of domain name, by RFC 3597 §4 and RFC 4034 §6.2 (as RFC 6840
 * §5.1 amends it):
 *
 *     kind           lower case   accepted compressed   sent compressed
 *     name-1035      yes          yes                   yes
 *     name-expanded  yes          yes                   no
 *     name-lower     yes          no                    no
 *     name           no           no                    no
 */
export type FieldKind =
  | "u8"
  | "u16"
  | "u32"
  | "u64"
  /** 32-bit seconds, also written with units: 1h30m. */
  | "period"
  /** 32-bit seconds since 1970, written YYYYMMDDHHmmSS (RFC 4034 §3.2). */
  | "time"
  | "rrtype"
  /** DNSSEC algorithm number; mnemonics are understood. */
  | "algorithm"
  /** The octet that the length of a `ds-digest` follows from. */
  | "digest-type"
  | "nsec3-hash"
  /** RFC 2535 §7.1; only numbers are formatted. */
  | "key-flags"
  | "key-protocol"
  /** RFC 4398 §2.1 */
  | "certificate-type"
  /** RFC 9859 §2.1 */
  | "dsync-scheme"
  /** RFC 7218 §2; only numbers are formatted. */
  | "tlsa-usage"
  | "tlsa-selector"
  | "tlsa-matching"
  | "ipv4"
  | "ipv6"
  | "eui48"
  | "eui64"
  /** 64 bits as four groups of hex digits (RFC 6742 §2.1.1). */
  | "locator64"
  | "name-1035"
  | "name-expanded"
  | "name-lower"
  | "name"
  /** Zero or more. */
  | "names"
  /** <character-string> of RFC 1035 §3.3. */
  | "string"
  | "optional-string"
  /** One or more. */
  | "strings"
  /** RFC 8659 §4.1: letters and digits, with a length. */
  | "tag"
  /** All the rest as one quoted text without a length; may be empty. */
  | "text"
  /** As `text`, one octet or more. */
  | "target"
  /** All the rest, one octet or more. */
  | "hex"
  | "base64"
  /** All the rest; may be empty. */
  | "optional-base64"
  /** As `optional-base64`, the empty one written `-`. */
  | "dashed-base64"
  /** All the rest; its length follows from the digest type in the octet before. */
  | "ds-digest"
  | "sshfp-digest"
  | "zonemd-digest"
  /** Length and octets, written in hex, `-` for none (RFC 5155 §3.3). */
  | "salt"
  /** Length and octets, one or more, written in base32hex (RFC 5155 §3.3). */
  | "hash"
  /** RFC 4034 §4.1.2 */
  | "types"
  /** RFC 2535 §5.2: one bitmap of types 1 to 127. */
  | "nxt-types"
  /** RFC 9460 §2.1 */
  | "svc-params"
  /** RFC 3123 §4 */
  | "prefixes"
  /** RFC 1876 §2 */
  | "location"
  /** RFC 1706 §4, written 0x… */
  | "nsap"
  /** AF-DANS-0152.000 §5: hex, or + and digits. */
  | "atm-address"
  /** RFC 1035 §3.4.2: protocol and port bitmap. */
  | "services"
  /** RFC 4025 §2.5: by the gateway type in the second octet. */
  | "gateway"
  /** RFC 8777 §4.2: discovery bit, type and relay. */
  | "relay"
  /** RFC 8005 §5: lengths, algorithm, HIT and public key. */
  | "host-identity"
  /** RFC 2874 §3.1: prefix length, suffix and prefix name. */
  | "a6";

export interface RRTypeRow {
  readonly rrtype: number;
  readonly mnemonic: string;
  /** `undefined`: opaque. */
  readonly fields: readonly FieldKind[] | undefined;
}

function row(rrtype: number, mnemonic: string, ...fields: FieldKind[]): RRTypeRow {
  return { rrtype, mnemonic, fields };
}

/** A type that has a mnemonic and no presentation form, or is no data at all. */
function opaque(rrtype: number, mnemonic: string): RRTypeRow {
  return { rrtype, mnemonic, fields: undefined };
}

export const RR_TYPES: readonly RRTypeRow[] = [
  row(1, "A", "ipv4"),
  row(2, "NS", "name-1035"),
  row(3, "MD", "name-1035"),
  row(4, "MF", "name-1035"),
  row(5, "CNAME", "name-1035"),
  row(6, "SOA", "name-1035", "name-1035", "u32", "period", "period", "period", "period"),
  row(7, "MB", "name-1035"),
  row(8, "MG", "name-1035"),
  row(9, "MR", "name-1035"),
  opaque(10, "NULL"),
  row(11, "WKS", "ipv4", "services"),
  row(12, "PTR", "name-1035"),
  row(13, "HINFO", "string", "string"),
  row(14, "MINFO", "name-1035", "name-1035"),
  row(15, "MX", "u16", "name-1035"),
  row(16, "TXT", "strings"),
  row(17, "RP", "name-expanded", "name-expanded"),
  row(18, "AFSDB", "u16", "name-expanded"),
  row(19, "X25", "string"),
  row(20, "ISDN", "string", "optional-string"),
  row(21, "RT", "u16", "name-expanded"),
  row(22, "NSAP", "nsap"),
  row(23, "NSAP-PTR", "name"),
  row(
    24,
    "SIG",
    ...(["rrtype", "algorithm", "u8", "u32", "time", "time", "u16"] as const),
    ...(["name-expanded", "base64"] as const),
  ),
  row(25, "KEY", "key-flags", "key-protocol", "algorithm", "optional-base64"),
  row(26, "PX", "u16", "name-expanded", "name-expanded"),
  row(27, "GPOS", "string", "string", "string"),
  row(28, "AAAA", "ipv6"),
  row(29, "LOC", "location"),
  row(30, "NXT", "name-expanded", "nxt-types"),
  row(31, "EID", "hex"),
  row(32, "NIMLOC", "hex"),
  row(33, "SRV", "u16", "u16", "u16", "name-expanded"),
  row(34, "ATMA", "atm-address"),
  row(35, "NAPTR", "u16", "u16", "string", "string", "string", "name-expanded"),
  row(36, "KX", "u16", "name-lower"),
  row(37, "CERT", "certificate-type", "u16", "algorithm", "base64"),
  row(38, "A6", "a6"),
  row(39, "DNAME", "name-lower"),
  row(40, "SINK", "u8", "u8", "u8", "optional-base64"),
  opaque(41, "OPT"),
  row(42, "APL", "prefixes"),
  row(43, "DS", "u16", "algorithm", "digest-type", "ds-digest"),
  row(44, "SSHFP", "u8", "u8", "sshfp-digest"),
  row(45, "IPSECKEY", "u8", "u8", "u8", "gateway", "optional-base64"),
  row(
    46,
    "RRSIG",
    ...(["rrtype", "algorithm", "u8", "u32", "time", "time", "u16"] as const),
    ...(["name-lower", "base64"] as const),
  ),
  row(47, "NSEC", "name", "types"),
  row(48, "DNSKEY", "key-flags", "key-protocol", "algorithm", "base64"),
  row(49, "DHCID", "base64"),
  row(50, "NSEC3", "nsec3-hash", "u8", "u16", "salt", "hash", "types"),
  row(51, "NSEC3PARAM", "nsec3-hash", "u8", "u16", "salt"),
  row(52, "TLSA", "tlsa-usage", "tlsa-selector", "tlsa-matching", "hex"),
  row(53, "SMIMEA", "tlsa-usage", "tlsa-selector", "tlsa-matching", "hex"),
  row(55, "HIP", "host-identity", "names"),
  row(56, "NINFO", "strings"),
  row(57, "RKEY", "key-flags", "key-protocol", "algorithm", "base64"),
  row(58, "TALINK", "name", "name"),
  row(59, "CDS", "u16", "algorithm", "digest-type", "ds-digest"),
  row(60, "CDNSKEY", "key-flags", "key-protocol", "algorithm", "base64"),
  row(61, "OPENPGPKEY", "base64"),
  row(62, "CSYNC", "u32", "u16", "types"),
  row(63, "ZONEMD", "u32", "u8", "u8", "zonemd-digest"),
  row(64, "SVCB", "u16", "name", "svc-params"),
  row(65, "HTTPS", "u16", "name", "svc-params"),
  row(66, "DSYNC", "rrtype", "dsync-scheme", "u16", "name"),
  row(67, "HHIT", "base64"),
  row(68, "BRID", "base64"),
  row(99, "SPF", "strings"),
  opaque(100, "UINFO"),
  opaque(101, "UID"),
  opaque(102, "GID"),
  opaque(103, "UNSPEC"),
  row(104, "NID", "u16", "locator64"),
  row(105, "L32", "u16", "ipv4"),
  row(106, "L64", "u16", "locator64"),
  row(107, "LP", "u16", "name"),
  row(108, "EUI48", "eui48"),
  row(109, "EUI64", "eui64"),
  opaque(128, "NXNAME"),
  opaque(249, "TKEY"),
  opaque(250, "TSIG"),
  opaque(251, "IXFR"),
  opaque(252, "AXFR"),
  opaque(253, "MAILB"),
  opaque(254, "MAILA"),
  opaque(255, "ANY"),
  row(256, "URI", "u16", "u16", "target"),
  row(257, "CAA", "u8", "tag", "text"),
  row(258, "AVC", "strings"),
  row(259, "DOA", "u32", "u32", "u8", "string", "dashed-base64"),
  row(260, "AMTRELAY", "u8", "relay"),
  row(261, "RESINFO", "strings"),
  row(262, "WALLET", "strings"),
  row(263, "CLA", "strings"),
  row(264, "IPN", "u64"),
  row(32768, "TA", "u16", "algorithm", "digest-type", "ds-digest"),
  row(32769, "DLV", "u16", "algorithm", "digest-type", "ds-digest"),
];

const CLASSES: readonly (readonly [number, string])[] = [
  [1, "IN"],
  [3, "CH"],
  [4, "HS"],
  [254, "NONE"],
  [255, "ANY"],
];

const rowByType = new Map(RR_TYPES.map((each) => [each.rrtype, each]));
const typeByMnemonic = new Map(RR_TYPES.map((each) => [each.mnemonic, each.rrtype]));
const classByMnemonic = new Map(CLASSES.map(([number, mnemonic]) => [mnemonic, number]));
const mnemonicByClass = new Map(CLASSES);

/** The fields of the type's rdata; `undefined` for an opaque one. */
export function typeFields(rrtype: number): readonly FieldKind[] | undefined {
  return rowByType.get(rrtype)?.fields;
}

/** The mnemonic, or TYPE followed by the number (RFC 3597 §5). */
export function typeName(rrtype: number): string {
  return rowByType.get(rrtype)?.mnemonic ?? `TYPE${rrtype}`;
}

/** A mnemonic or TYPE and a number, in any case; `undefined` when it is neither. */
export function parseType(text: string): number | undefined {
  return typeByMnemonic.get(text) ?? parseFolded(text.toUpperCase(), typeByMnemonic, "TYPE");
}

/** The mnemonic, or CLASS followed by the number (RFC 3597 §5). */
export function className(rrclass: number): string {
  return mnemonicByClass.get(rrclass) ?? `CLASS${rrclass}`;
}

/** A mnemonic or CLASS and a number, in any case; `undefined` when it is neither. */
export function parseClass(text: string): number | undefined {
  return classByMnemonic.get(text) ?? parseFolded(text.toUpperCase(), classByMnemonic, "CLASS");
}

function parseFolded(
  text: string,
  mnemonics: ReadonlyMap<string, number>,
  prefix: string,
): number | undefined {
  const known = mnemonics.get(text);
  if (known !== undefined) return known;
  if (!text.startsWith(prefix)) return undefined;
  const digits = text.slice(prefix.length);
  return /^\d{1,5}$/.test(digits) && Number(digits) <= 0xffff ? Number(digits) : undefined;
}
