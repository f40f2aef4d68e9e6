/** A message as text, in the manner of dig: what golden packets and scenarios compare. */
import { toHex } from "../../src/base/bytes.ts";
import { HeaderFlag, Opcode, Rcode, TsigError, Type } from "../../src/wire/code-points.ts";
import { recordEdns } from "../../src/wire/edns.ts";
import type { Message, Question, ResourceRecord } from "../../src/wire/message.ts";
import { formatName } from "../../src/wire/name.ts";
import { formatRdata } from "../../src/wire/rdata.ts";
import { className, typeName } from "../../src/wire/rr-types.ts";
import type { TsigRecord } from "../../src/wire/tsig-record.ts";

/** `tsig` is what the message's TSIG RR says, where it has one. */
export function formatMessage(message: Message, tsig?: TsigRecord): string {
  const { questions, answers, authorities, additionals } = message;
  const isUpdate = message.opcode === Opcode.update;
  const titles = isUpdate
    ? ["ZONE", "PREREQUISITE", "UPDATE", "ADDITIONAL"]
    : ["QUESTION", "ANSWER", "AUTHORITY", "ADDITIONAL"];
  const lines = [headerLine(message), ...additionals.filter(isOpt).flatMap(optLines)];
  const sections = [
    questions.map(questionLine),
    answers.map(recordLine),
    authorities.map(recordLine),
    additionals.filter((record) => !isOpt(record) && record.rrtype !== Type.TSIG).map(recordLine),
  ];
  for (const [at, section] of sections.entries()) {
    if (section.length > 0) lines.push(`;; ${titles[at]}:`, ...section);
  }
  if (tsig !== undefined) lines.push(...tsigLines(tsig));
  return `${lines.join("\n")}\n`;
}

function headerLine({ id, flags, opcode, rcode }: Message): string {
  const names = Object.entries(HeaderFlag).filter(([, bit]) => (flags & bit) !== 0);
  const shown = names.map(([name]) => ` ${name}`).join("");
  return `;; ${nameOf(Opcode, opcode)}, ${nameOf(Rcode, rcode)}, id ${id}, flags:${shown}`;
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  const found = Object.entries(names).find(([, number]) => number === value);
  return found === undefined ? String(value) : found[0].toUpperCase();
}

function isOpt(record: ResourceRecord): boolean {
  return record.rrtype === Type.OPT;
}

function optLines(record: ResourceRecord): string[] {
  const edns = recordEdns(record);
  const flags = edns.isDnssecOk ? " do" : "";
  const rcode = edns.extendedRcode === 0 ? "" : `, extended rcode ${edns.extendedRcode}`;
  return [
    `;; EDNS: version ${edns.version}, udp ${edns.udpPayload}, flags:${flags}${rcode}`,
    ...edns.options.map(({ code, bytes }) => `;; OPTION: ${code} ${toHex(bytes)}`.trimEnd()),
  ];
}

function questionLine({ wireName, qtype, qclass }: Question): string {
  return `${formatName(wireName)} ${className(qclass)} ${typeName(qtype)}`;
}

function recordLine({ owner, rrtype, class: rrclass, ttl, rdata }: ResourceRecord): string {
  const text = rdata.length === 0 ? "" : formatRdata(rrtype, rdata);
  const fields = [formatName(owner), ttl, className(rrclass), typeName(rrtype), text];
  return fields.join(" ").trimEnd();
}

function tsigLines(tsig: TsigRecord): string[] {
  const { keyName, algorithm, timeSigned, fudge, mac, originalId, otherData } = tsig;
  const error = nameOf(TsigError, tsig.error);
  const macText = mac.length === 0 ? "-" : Buffer.from(mac).toString("base64");
  const other = otherData.length === 0 ? "" : ` ${toHex(otherData)}`;
  const names = `${formatName(keyName)} ${formatName(algorithm)}`;
  return [";; TSIG:", `${names} ${timeSigned} ${fudge} ${macText} ${originalId} ${error}${other}`];
}
