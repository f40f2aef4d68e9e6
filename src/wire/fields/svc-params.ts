/** SvcParams (RFC 9460): keys in ascending order on the wire, in any order in text, each at most once. */
import { isUtf8 } from "node:buffer";
import { formatOctets, formatQuoted, parseOctets } from "../character-string.ts";
import { badRdata, endAfter, type Field, parseNumber, readU16, shown } from "../rdata-field.ts";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "./address.ts";
import { formatBase64, parseBase64 } from "./binary.ts";

/** One SvcParamKey's value. */
interface ParamForm {
  /** What is wrong with the value; `undefined` when nothing is. */
  check(value: Uint8Array): string | undefined;
  /** The text after `key=`; empty for no value. */
  format(value: Uint8Array): string;
  parse(text: string): Uint8Array;
}

const INVALID_KEY = 0xffff;
const MANDATORY = 0;
const ALPN = 1;
const NO_DEFAULT_ALPN = 2;

const KEYS: Readonly<Record<string, number>> = {
  mandatory: MANDATORY,
  alpn: ALPN,
  "no-default-alpn": NO_DEFAULT_ALPN,
  port: 3,
  ipv4hint: 4,
  ech: 5,
  ipv6hint: 6,
  dohpath: 7,
  ohttp: 8,
};
const keyNames = new Map(Object.entries(KEYS).map(([name, key]) => [key, name]));

function keyName(key: number): string {
  return keyNames.get(key) ?? `key${key}`;
}

function parseKey(text: string): number {
  const known = Object.hasOwn(KEYS, text) ? KEYS[text] : undefined;
  if (known !== undefined) return known;
  const digits = /^key(0|[1-9]\d{0,4})$/.exec(text)?.[1];
  if (digits === undefined || Number(digits) >= INVALID_KEY) {
    throw badRdata(`${shown(text)} is not a service parameter (or key and a number)`);
  }
  return Number(digits);
}

const octets: Omit<ParamForm, "check"> = {
  format: (value) => (value.length === 0 ? "" : formatQuoted(value)),
  parse: parseOctets,
};

const empty: ParamForm = {
  ...octets,
  check: (value) => (value.length === 0 ? undefined : "takes no value"),
};

/** RFC 9460 §8: keys, ascending, never itself. That they are there is checked with all the others. */
const mandatory: ParamForm = {
  check: (value) => {
    if (value.length === 0 || value.length % 2 !== 0) return "is not a list of keys";
    let previous = MANDATORY;
    for (let at = 0; at < value.length; at += 2) {
      if (readU16(value, at) <= previous) return "lists keys out of order, twice, or itself";
      previous = readU16(value, at);
    }
    return undefined;
  },
  format: (value) =>
    Array.from({ length: value.length / 2 }, (_, at) => keyName(readU16(value, 2 * at))).join(","),
  parse: (text) => {
    const keys = text.split(",").map(parseKey);
    return Uint8Array.from(keys.sort((a, b) => a - b).flatMap((key) => [key >>> 8, key & 0xff]));
  },
};

/** RFC 9460 §7.1.1 and appendix A.1: protocol names, a comma and a backslash in one escaped before the string's own escapes. */
const alpn: ParamForm = {
  check: (value) => {
    if (value.length === 0) return "names no protocol";
    let at = 0;
    while (at < value.length) {
      if (value[at] === 0) return "has an empty protocol name";
      at += 1 + (value[at] as number);
    }
    return at === value.length ? undefined : "ends inside a protocol name";
  },
  format: (value) => {
    const items: string[] = [];
    for (let at = 0; at < value.length; at += 1 + (value[at] as number)) {
      const item = Buffer.from(value.subarray(at + 1, at + 1 + (value[at] as number)));
      items.push(item.toString("latin1").replace(/[\\,]/g, "\\$&"));
    }
    return `"${formatOctets(Buffer.from(items.join(","), "latin1"))}"`;
  },
  parse: (text) => {
    const names = splitList(parseOctets(text));
    if (names.some((name) => name.length > 255)) throw badRdata("a protocol name over 255 octets");
    return Uint8Array.from(names.flatMap((name) => [name.length, ...name]));
  },
};

const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/** RFC 9460 appendix A.1: items between commas; `\,` and `\\` stand for the octets themselves. */
function splitList(list: Uint8Array): number[][] {
  const items: number[][] = [[]];
  for (let at = 0; at < list.length; at++) {
    const octet = list[at] as number;
    if (octet === COMMA) {
      items.push([]);
      continue;
    }
    if (octet === BACKSLASH) at += 1;
    const literal = list[at];
    if (octet === BACKSLASH && literal !== COMMA && literal !== BACKSLASH) {
      throw badRdata("a backslash in alpn escapes nothing");
    }
    items.at(-1)?.push(literal as number);
  }
  return items;
}

const port: ParamForm = {
  check: (value) => (value.length === 2 ? undefined : "is not a port"),
  format: (value) => String(readU16(value, 0)),
  parse: (text) => {
    const number = parseNumber(text, 0xffff, "a port");
    return Uint8Array.of(number >>> 8, number & 0xff);
  },
};

function addresses(
  length: number,
  format: (value: Uint8Array, at: number) => string,
  parse: (text: string) => Uint8Array | undefined,
): ParamForm {
  return {
    check: (value) =>
      value.length > 0 && value.length % length === 0 ? undefined : "is not a list of addresses",
    format: (value) =>
      Array.from({ length: value.length / length }, (_, at) => format(value, at * length)).join(
        ",",
      ),
    parse: (text) => {
      const parsed = text.split(",").map((item) => {
        const address = parse(item);
        if (address === undefined) throw badRdata(`${shown(item)} is not an address of that kind`);
        return address;
      });
      return new Uint8Array(Buffer.concat(parsed));
    },
  };
}

const ech: ParamForm = {
  check: (value) => (value.length > 0 ? undefined : "is empty"),
  format: formatBase64,
  parse: (text) => {
    const value = parseBase64(text);
    if (value === undefined) throw badRdata(`${shown(text)} is not base64`);
    return value;
  },
};

/** RFC 9461 §5: a URI template from the root, with a variable for the question. */
const dohpath: ParamForm = {
  ...octets,
  check: (value) => {
    const isTemplate = isUtf8(value) && /^\/.*\{[^{}]*\bdns\b/.test(Buffer.from(value).toString());
    return isTemplate ? undefined : "is not a URI template like /dns-query{?dns}";
  },
};

const FORMS: readonly ParamForm[] = [
  mandatory,
  alpn,
  empty,
  port,
  addresses(4, formatIpv4, parseIpv4),
  ech,
  addresses(16, formatIpv6, parseIpv6),
  dohpath,
  empty,
];

interface Param {
  readonly key: number;
  readonly value: Uint8Array;
}

function readParam(rdata: Uint8Array, at: number): Param {
  const start = endAfter(rdata, at, 4);
  const end = endAfter(rdata, start, readU16(rdata, at + 2));
  return { key: readU16(rdata, at), value: rdata.subarray(start, end) };
}

function readParams(rdata: Uint8Array, at: number): Param[] {
  const params: Param[] = [];
  for (let start = at; start < rdata.length; ) {
    const param = readParam(rdata, start);
    params.push(param);
    start += 4 + param.value.length;
  }
  return params;
}

function checkParams(params: readonly Param[]): void {
  let previous = -1;
  for (const { key, value } of params) {
    if (key <= previous)
      throw badRdata("its service parameters are out of order, or one is there twice");
    if (key === INVALID_KEY) throw badRdata("key65535 is reserved");
    const problem = FORMS[key]?.check(value);
    if (problem !== undefined) throw badRdata(`${keyName(key)} ${problem}`);
    previous = key;
  }
  const keys = new Set(params.map((param) => param.key));
  if (keys.has(NO_DEFAULT_ALPN) && !keys.has(ALPN)) throw badRdata("no-default-alpn needs alpn");
  const needed = params[0]?.key === MANDATORY ? params[0].value : new Uint8Array(0);
  for (let at = 0; at < needed.length; at += 2) {
    const key = readU16(needed, at);
    if (!keys.has(key)) throw badRdata(`${keyName(key)} is mandatory and not there`);
  }
}

/** `key`, `key=value` or `key="value"`; a key by number takes its octets as they are. */
function parseParam(text: string): Param {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  const key = parseKey(name.toLowerCase());
  const raw = equals < 0 ? "" : text.slice(equals + 1);
  const value = raw.startsWith('"') && raw.endsWith('"') && raw.length > 1 ? raw.slice(1, -1) : raw;
  const form = name.toLowerCase() === keyNames.get(key) ? FORMS[key] : undefined;
  if (form === undefined) return { key, value: parseOctets(value) };
  return { key, value: value === "" ? new Uint8Array(0) : form.parse(value) };
}

export const svcParams: Field = {
  end: (rdata, at) => {
    checkParams(readParams(rdata, at));
    return rdata.length;
  },
  format: (rdata, at) =>
    readParams(rdata, at)
      .map(({ key, value }) => {
        const text = (FORMS[key] ?? octets).format(value);
        return text === "" ? keyName(key) : `${keyName(key)}=${text}`;
      })
      .join(" "),
  parse: (tokens, rdata) => {
    const params: Param[] = [];
    while (tokens.remaining > 0) params.push(parseParam(tokens.next("")));
    params.sort((a, b) => a.key - b.key);
    for (const { key, value } of params) {
      rdata.u16(key);
      if (value.length > 0xffff) throw badRdata(`${keyName(key)} is longer than 65,535 octets`);
      rdata.u16(value.length);
      rdata.bytes(value);
    }
  },
};
