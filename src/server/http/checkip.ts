/**
 * The caller's own address, for clients behind a NAT. Clients take the first address they find anywhere in the
 * reply, so there is no other one in it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ClientAddress } from "./client-address.ts";
import { targetQuery } from "./request-target.ts";
import { sendHtml, sendJson, sendText } from "./text-reply.ts";

const PLAIN_PATHS = ["/checkip", "/myip", "/ip", "/nic/checkip"] as const;

export function addCheckipRoutes(app: FastifyInstance, clientAddress: ClientAddress): void {
  for (const url of PLAIN_PATHS) {
    app.route({
      method: ["GET", "HEAD"],
      url,
      handler: (request, reply) => servePlain(clientAddress, request, reply),
    });
  }
  app.route({
    method: ["GET", "HEAD"],
    url: "/checkip.html",
    handler: (request, reply) => serveCheckipPage(clientAddress, request, reply),
  });
}

/** The form of checkip.dyndns.org. */
export function serveCheckipPage(
  clientAddress: ClientAddress,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const address = callerAddress(clientAddress, request);
  if (address === "") return sendNoAddress(reply);
  const page = `<html><head><title>Current IP Check</title></head><body>Current IP Address: ${address}</body></html>\n`;
  return sendHtml(reply, 200, page);
}

function servePlain(
  clientAddress: ClientAddress,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const address = callerAddress(clientAddress, request);
  if (address === "") return sendNoAddress(reply);
  reply.header("vary", "accept");
  return wantsJson(request)
    ? sendJson(reply, 200, { ip: address })
    : sendText(reply, 200, `${address}\n`);
}

function callerAddress(clientAddress: ClientAddress, { raw }: FastifyRequest): string {
  return clientAddress({ remoteAddress: raw.socket.remoteAddress, headers: raw.headers });
}

function sendNoAddress(reply: FastifyReply): FastifyReply {
  return sendText(reply, 503, "no address\n");
}

function wantsJson({ raw }: FastifyRequest): boolean {
  const format = new URLSearchParams(targetQuery(raw.url ?? "")).get("format");
  if (format !== null) return format === "json";
  const accept = raw.headers.accept ?? "";
  return accept.includes("application/json") && !accept.includes("text/");
}
