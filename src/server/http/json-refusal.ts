/** Refusals of the JSON doors: a status, a stable code for programs and a sentence for people. */
import type { FastifyReply } from "fastify";
import { unreachable } from "../../base/assert.ts";
import { ErrorCode } from "../../base/errors.ts";
import type { Verdict } from "../../update/update-request.ts";
import type { Authentication } from "./authenticate.ts";
import { sendJson } from "./text-reply.ts";

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export function sendRefusal(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { status, code, message } = refusal;
  if (status === 401) reply.header("www-authenticate", 'Bearer realm="windhover"');
  return sendJson(reply, status, { code, message });
}

export function badRequest(message: string): Refusal {
  return { status: 400, code: ErrorCode.badRequest, message };
}

export function authenticationRefusal(status: Exclude<Authentication["status"], "ok">): Refusal {
  switch (status) {
    case "missing":
      return {
        status: 401,
        code: ErrorCode.badCredential,
        message: "send `Authorization: Bearer` and a token",
      };
    case "wrong":
      return { status: 401, code: ErrorCode.badCredential, message: "the token is not known" };
    case "busy":
      return {
        status: 503,
        code: ErrorCode.limit,
        message: "too many passwords to check; try again",
      };
    case "blocked":
      return {
        status: 429,
        code: ErrorCode.limit,
        message: "too many wrong credentials from this address; wait a minute",
      };
    default:
      return unreachable(status);
  }
}

/** Unknown names and names of others look the same. */
export function verdictRefusal({
  reason,
  detail,
}: Extract<Verdict, { status: "refused" }>): Refusal {
  switch (reason) {
    case "no-grant":
    case "no-such-zone":
    case "not-in-zone":
      return {
        status: 403,
        code: ErrorCode.forbidden,
        message: "the credential may not change this name",
      };
    case "prerequisite":
    case "bad-operation":
      return { status: 400, code: ErrorCode.badRequest, message: detail };
    case "limit":
      return { status: 400, code: ErrorCode.limit, message: detail };
    case "queue-full":
      return { status: 503, code: ErrorCode.limit, message: "too many updates wait; try again" };
    case "store-unavailable":
      return {
        status: 503,
        code: ErrorCode.storeUnavailable,
        message: "the change could not be stored; try again",
      };
    case "not-replicated":
      return { status: 503, code: ErrorCode.storeUnavailable, message: detail };
    case "shutting-down":
      return { status: 503, code: ErrorCode.shuttingDown, message: "the server is stopping" };
    default:
      return unreachable(reason);
  }
}
