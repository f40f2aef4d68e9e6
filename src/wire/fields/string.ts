/** Field kinds that are text: <character-string>s (RFC 1035 §3.3), and text that fills the rest. */
import { formatQuoted, parseOctets } from "../character-string.ts";
import { badRdata, endAfter, type Field, type RdataSink } from "../rdata-field.ts";

const STRING_LENGTH = 255;

function stringEnd(rdata: Uint8Array, at: number): number {
  const length = rdata[at];
  if (length === undefined) throw badRdata("a character string is missing");
  return endAfter(rdata, at + 1, length);
}

function formatString(rdata: Uint8Array, at: number): string {
  return formatQuoted(rdata.subarray(at + 1, at + 1 + (rdata[at] as number)));
}

function writeString(text: string, rdata: RdataSink): void {
  const octets = parseOctets(text);
  if (octets.length > STRING_LENGTH) {
    throw badRdata(`a string of ${octets.length} octets; cut it into several of at most 255`);
  }
  rdata.u8(octets.length);
  rdata.bytes(octets);
}

export const string: Field = {
  end: stringEnd,
  format: formatString,
  parse: (tokens, rdata) => writeString(tokens.next("a string"), rdata),
};

export const optionalString: Field = {
  end: (rdata, at) => (at === rdata.length ? at : stringEnd(rdata, at)),
  format: (rdata, at, end) => (at === end ? "" : formatString(rdata, at)),
  parse: (tokens, rdata) => {
    if (tokens.remaining > 0) writeString(tokens.next(""), rdata);
  },
};

export const strings: Field = {
  end: (rdata, at) => {
    let end = stringEnd(rdata, at);
    while (end < rdata.length) end = stringEnd(rdata, end);
    return end;
  },
  format: (rdata, at, end) => {
    const texts: string[] = [];
    for (let start = at; start < end; start += 1 + (rdata[start] as number)) {
      texts.push(formatString(rdata, start));
    }
    return texts.join(" ");
  },
  parse: (tokens, rdata) => {
    do writeString(tokens.next("a string"), rdata);
    while (tokens.remaining > 0);
  },
};

/** RFC 8659 §4.1: one or more letters and digits. */
export const tag: Field = {
  end: (rdata, at) => {
    const end = stringEnd(rdata, at);
    const octets = Buffer.from(rdata.subarray(at + 1, end)).toString("latin1");
    if (!/^[0-9A-Za-z]+$/.test(octets)) throw badRdata("a tag has letters and digits only");
    return end;
  },
  format: (rdata, at, end) => Buffer.from(rdata.subarray(at + 1, end)).toString("latin1"),
  parse: (tokens, rdata) => writeString(tokens.next("a tag"), rdata),
};

function restOfText(least: number): Field {
  return {
    end: (rdata, at) => endAfter(rdata, at, Math.max(least, rdata.length - at)),
    format: (rdata, at, end) => formatQuoted(rdata.subarray(at, end)),
    parse: (tokens, rdata) => rdata.bytes(parseOctets(tokens.next("a text"))),
  };
}

export const text = restOfText(0);
export const target = restOfText(1);
