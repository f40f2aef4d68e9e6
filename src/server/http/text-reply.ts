/**
 * Replies that every client can read: a length and no chunks, nothing to cache, no address in a header. A body
 * that is a string gets its `Content-Length` from fastify; streams would be chunked and are not used here.
 */
import type { FastifyReply } from "fastify";

export function sendText(reply: FastifyReply, status: number, body: string): FastifyReply {
  return send(reply, status, "text/plain; charset=utf-8", body);
}

export function sendJson(reply: FastifyReply, status: number, value: object): FastifyReply {
  return send(reply, status, "application/json; charset=utf-8", `${JSON.stringify(value)}\n`);
}

export function sendHtml(reply: FastifyReply, status: number, body: string): FastifyReply {
  return send(reply, status, "text/html; charset=utf-8", body);
}

function send(reply: FastifyReply, status: number, type: string, body: string): FastifyReply {
  if (status === 503) reply.header("retry-after", "60");
  return reply
    .code(status)
    .header("content-type", type)
    .header("cache-control", "no-store")
    .send(body);
}
