/**
 * dyndns2's answers. One lower-case line per host in the order asked, or one line for the whole request; never a
 * host name and never free text, because clients look for `good` anywhere in the body.
 */

import { unreachable } from "../../base/assert.ts";
import type { Verdict } from "../../update/update-request.ts";

/** What became of one host. */
export type HostCode = "good" | "nochg" | "nohost" | "notfqdn" | "dnserr";
/** What became of the request as a whole. */
export type RequestCode = "badauth" | "numhost" | "abuse" | "badagent" | "!donator" | "911";

export interface HostOutcome {
  readonly code: HostCode;
  /** The addresses asked for, as the client wrote them. */
  readonly addresses: readonly string[];
}

export interface DyndnsReply {
  readonly status: number;
  readonly body: string;
}

/** Statuses for clients that look at nothing else. */
const STRICT_STATUS: Readonly<Record<HostCode | RequestCode, number>> = {
  good: 200,
  nochg: 200,
  nohost: 404,
  notfqdn: 400,
  dnserr: 400,
  badauth: 401,
  numhost: 400,
  abuse: 429,
  badagent: 400,
  "!donator": 400,
  "911": 503,
};

export function requestReply(code: RequestCode | HostCode, strict: boolean): DyndnsReply {
  const isAlways = code === "badauth" || code === "911";
  return { status: strict || isAlways ? STRICT_STATUS[code] : 200, body: `${code}\n` };
}

/** The first failure decides the status of a strict reply. */
export function hostsReply(outcomes: readonly HostOutcome[], strict: boolean): DyndnsReply {
  const statuses = outcomes.map(({ code }) => STRICT_STATUS[code]);
  const failure = statuses.find((status) => status !== 200);
  const lines = outcomes.map(hostLine);
  return { status: strict ? (failure ?? 200) : 200, body: `${lines.join("\n")}\n` };
}

function hostLine({ code, addresses }: HostOutcome): string {
  const isDone = code === "good" || code === "nochg";
  return isDone && addresses.length > 0 ? `${code} ${addresses.join(",")}` : code;
}

/** `911` is about the server: the whole request is to be sent again. */
export function verdictCode(verdict: Verdict): HostCode | "911" {
  switch (verdict.status) {
    case "applied":
      return "good";
    case "unchanged":
      return "nochg";
    case "refused":
      return refusalCode(verdict.reason);
    default:
      return unreachable(verdict);
  }
}

function refusalCode(
  reason: Extract<Verdict, { status: "refused" }>["reason"],
): "nohost" | "dnserr" | "911" {
  switch (reason) {
    case "no-grant":
    case "no-such-zone":
    case "not-in-zone":
      return "nohost";
    case "prerequisite":
    case "bad-operation":
    case "limit":
      return "dnserr";
    case "queue-full":
    case "store-unavailable":
    case "not-replicated":
    case "shutting-down":
      return "911";
    default:
      return unreachable(reason);
  }
}
