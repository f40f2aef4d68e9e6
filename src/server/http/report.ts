/**
 * `POST /report`: a node tells its own public address. Its token names the host, so that a stolen token moves no
 * other one, and the timestamp keeps a recorded report from being played back.
 */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ErrorCode } from "../../base/errors.ts";
import type { Principal } from "../../identity/principal.ts";
import { formatName, type Name } from "../../wire/name.ts";
import { type Address, singleAddress } from "./address.ts";
import { headerCredential } from "./credentials.ts";
import type { DyndnsParts } from "./dyndns.ts";
import { onlyAddress } from "./dyndns-addresses.ts";
import { submitHostUpdate } from "./host-update.ts";
import {
  authenticationRefusal,
  badRequest,
  type Refusal,
  sendRefusal,
  verdictRefusal,
} from "./json-refusal.ts";
import type { ReportLedger } from "./report-ledger.ts";
import { targetPath } from "./request-target.ts";
import { sendJson } from "./text-reply.ts";

export const ReportBody = Type.Object({
  node_id: Type.String({ minLength: 1, maxLength: 255 }),
  public_ip: Type.String({ minLength: 1, maxLength: 64 }),
  /** RFC 3339, or seconds since 1970. */
  timestamp: Type.Union([Type.String({ minLength: 1, maxLength: 64 }), Type.Number()]),
});
export type ReportBody = Static<typeof ReportBody>;

export interface ReportParts extends DyndnsParts {
  readonly ledger: ReportLedger;
}

export function addReportRoutes(app: FastifyInstance, parts: ReportParts): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => {
    try {
      done(null, JSON.parse(body as string));
    } catch {
      done(null, undefined);
    }
  });
  app.decorateRequest("principal", null);
  app.route({
    method: "POST",
    url: "/report",
    schema: { body: ReportBody },
    preValidation: (request, reply) => requireNode(parts, request, reply),
    handler: async (request, reply) => {
      const outcome = await takeReport(parts, request);
      return "message" in outcome ? sendRefusal(reply, outcome) : sendJson(reply, 200, outcome);
    },
  });
}

declare module "fastify" {
  interface FastifyRequest {
    /** Set before a report's body is looked at. */
    principal: Principal | null;
  }
}

/** Ends the request with its refusal, or leaves the principal behind. */
async function requireNode(
  parts: ReportParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const { headers } = request.raw;
  const credential = headerCredential(headers.authorization);
  const who = await parts.authenticate({
    credentials: credential === undefined ? [] : [credential],
    address: callerAddress(parts, request),
    path: targetPath(request.raw.url ?? "/"),
  });
  if (who.status !== "ok") return sendRefusal(reply, authenticationRefusal(who.status));
  request.principal = who.principal;
  return undefined;
}

interface Done {
  readonly status: "good" | "nochg";
  readonly host: string;
  readonly ip: string;
}

async function takeReport(parts: ReportParts, request: FastifyRequest): Promise<Done | Refusal> {
  const principal = request.principal as Principal;
  const checked = checkReport(parts, principal, request.body as ReportBody);
  if ("message" in checked) return refuse(parts, request, checked);
  const { host, address, report } = checked;
  const verdict = await submitHostUpdate(parts, {
    host,
    wanted: onlyAddress(address),
    principal,
    door: "report",
    address: callerAddress(parts, request),
  });
  if (verdict.status === "refused") return verdictRefusal(verdict);
  if (verdict.status === "applied") await parts.ledger.keep(host, report);
  const status = verdict.status === "applied" ? "good" : "nochg";
  return { status, host: formatName(host).slice(0, -1), ip: address.text };
}

interface CheckedReport {
  readonly host: Name;
  readonly address: Address;
  readonly report: { readonly timestampMs: number; readonly ip: string };
}

function checkReport(
  { ledger }: ReportParts,
  principal: Principal,
  body: ReportBody,
): CheckedReport | Refusal {
  const { host } = principal;
  if (host === undefined) return forbidden("the token stands for no host");
  if (!isNodeOf(body.node_id, host, principal)) {
    return forbidden("`node_id` is not the node this token was made for");
  }
  const address = singleAddress(body.public_ip.trim());
  if (address === undefined) return badRequest("`public_ip` must be one IPv4 or IPv6 address");
  const timestampMs = readTimestamp(body.timestamp);
  if (timestampMs === undefined) {
    return badRequest("`timestamp` must be RFC 3339 with its offset, or seconds since 1970");
  }
  const report = { timestampMs, ip: address.text };
  switch (ledger.accept(host, report)) {
    case "off-clock":
      return badRequest("`timestamp` is too far from the server's time; set the node's clock");
    case "older":
      return { status: 409, code: ErrorCode.conflict, message: "a later report was taken already" };
    case "accepted":
      return { host, address, report };
  }
}

/** The host's first label, its whole name, or the id of the token itself. */
function isNodeOf(nodeId: string, host: Name, { actor }: Principal): boolean {
  const node = nodeId.trim().replace(/\.$/, "").toLowerCase();
  const name = formatName(host).slice(0, -1);
  return node === name || node === name.split(".", 1)[0] || actor === `token:${node}`;
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970. */
function readTimestamp(timestamp: string | number): number | undefined {
  const isSeconds = typeof timestamp === "number" || /^\d+(?:\.\d+)?$/.test(timestamp);
  if (!isSeconds && !RFC3339.test(timestamp as string)) return undefined;
  const ms = isSeconds ? Number(timestamp) * 1_000 : Date.parse(timestamp as string);
  return Number.isFinite(ms) ? ms : undefined;
}

function forbidden(message: string): Refusal {
  return { status: 403, code: ErrorCode.forbidden, message };
}

function refuse(parts: ReportParts, request: FastifyRequest, refusal: Refusal): Refusal {
  const actor = request.principal?.actor;
  const fields = { door: "report", actor, address: callerAddress(parts, request) };
  parts.log.warn({ ...fields, detail: refusal.message }, "update refused");
  return refusal;
}

function callerAddress(parts: ReportParts, { raw }: FastifyRequest): string {
  return parts.clientAddress({ remoteAddress: raw.socket.remoteAddress, headers: raw.headers });
}
