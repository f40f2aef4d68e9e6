/**
 * The address of an ATMA RR (ATM Forum AF-DANS-0152.000 §5): a format octet, then the address. ATM end system addresses
 * (format 0) are hex digits, E.164 numbers (format 1) a plus and decimal digits; dots may stand between digits.
 */
import { fromHex, toHex } from "../../base/bytes.ts";
import { badRdata, endAfter, type Field, shown } from "../rdata-field.ts";

const Format = { endSystem: 0, e164: 1 } as const;

export const atmAddress: Field = {
  end: (rdata, at) => {
    const end = endAfter(rdata, at, Math.max(2, rdata.length - at));
    if (rdata[at] === Format.e164 && !rdata.subarray(at + 1, end).every(isDigit)) {
      throw badRdata("an E.164 number has digits only");
    }
    return end;
  },
  format: (rdata, at, end) => {
    const address = rdata.subarray(at + 1, end);
    if (rdata[at] === Format.endSystem) return toHex(address);
    if (rdata[at] === Format.e164) return `+${Buffer.from(address).toString("latin1")}`;
    return undefined;
  },
  parse: (tokens, rdata) => {
    const text = tokens.next("an ATM address");
    const [, plus, digits = ""] = /^(\+?)((?:[0-9a-f]+\.)*[0-9a-f]+)$/i.exec(text) ?? [];
    const plain = digits.replaceAll(".", "");
    const address = plus === "+" ? Buffer.from(plain, "latin1") : fromHex(plain);
    if (plain === "" || address === undefined) {
      throw badRdata(`${shown(text)} is not an ATM address, in hex or + and a number`);
    }
    rdata.u8(plus === "+" ? Format.e164 : Format.endSystem);
    rdata.bytes(address);
  },
};

function isDigit(octet: number): boolean {
  return octet >= 0x30 && octet <= 0x39;
}
