/** Well-known services (RFC 1035 §3.4.2): a protocol and a bitmap of ports. */
import { badRdata, endAfter, type Field, parseNumber } from "../rdata-field.ts";

const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17 };

/** The names that stood in zone files when WKS was in use; any other port as its number. */
const PORTS: Readonly<Record<string, number>> = {
  echo: 7,
  discard: 9,
  daytime: 13,
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  time: 37,
  domain: 53,
  tftp: 69,
  finger: 79,
  http: 80,
  pop3: 110,
  nntp: 119,
  ntp: 123,
  imap: 143,
  snmp: 161,
  https: 443,
};

const BITMAP_LENGTH = 8192;

export const services: Field = {
  end: (rdata, at) => {
    const start = endAfter(rdata, at, 1);
    if (rdata.length - start > BITMAP_LENGTH)
      throw badRdata("its bitmap has more than 65,536 ports");
    return rdata.length;
  },
  format: (rdata, at, end) => {
    if (end > at + 1 && rdata[end - 1] === 0) return undefined;
    const ports: number[] = [rdata[at] as number];
    for (let port = 0; port < 8 * (end - at - 1); port++) {
      if (((rdata[at + 1 + (port >>> 3)] as number) & (0x80 >>> (port & 7))) !== 0)
        ports.push(port);
    }
    return ports.join(" ");
  },
  parse: (tokens, rdata) => {
    const protocol = tokens.next("a protocol").toLowerCase();
    rdata.u8(PROTOCOLS[protocol] ?? parseNumber(protocol, 0xff, "a protocol"));
    const bitmap = new Uint8Array(BITMAP_LENGTH);
    let length = 0;
    while (tokens.remaining > 0) {
      const text = tokens.next("").toLowerCase();
      const port = PORTS[text] ?? parseNumber(text, 0xffff, "a service or a port");
      bitmap[port >>> 3] = (bitmap[port >>> 3] as number) | (0x80 >>> (port & 7));
      length = Math.max(length, (port >>> 3) + 1);
    }
    rdata.bytes(bitmap.subarray(0, length));
  },
};
