/** `POST /ddns/update`: a token, a domain and an address, answered in JSON with the status telling the outcome. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { errorMessage } from "../../base/errors.ts";
import { formatName } from "../../wire/name.ts";
import { singleAddress } from "./address.ts";
import type { Authentication } from "./authenticate.ts";
import { headerCredential } from "./credentials.ts";
import type { DyndnsParts } from "./dyndns.ts";
import { onlyAddress } from "./dyndns-addresses.ts";
import { impliedHost } from "./dyndns-request.ts";
import { parseHost } from "./host-name.ts";
import { submitHostUpdate } from "./host-update.ts";
import {
  authenticationRefusal,
  badRequest,
  type Refusal,
  sendRefusal,
  verdictRefusal,
} from "./json-refusal.ts";
import { type RequestParameters, readParameters } from "./request-parameters.ts";
import { targetPath, targetQuery } from "./request-target.ts";
import { sendJson } from "./text-reply.ts";

export function addDdnsUpdateRoutes(app: FastifyInstance, parts: DyndnsParts): void {
  app.route({
    method: ["POST", "PUT"],
    url: "/ddns/update",
    handler: (request, reply) => serveDdnsUpdate(parts, request, reply),
  });
}

async function serveDdnsUpdate(
  parts: DyndnsParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { headers, socket } = request.raw;
  const address = parts.clientAddress({ remoteAddress: socket.remoteAddress, headers });
  const credential = headerCredential(headers.authorization);
  const credentials = credential === undefined ? [] : [credential];
  const path = targetPath(request.raw.url ?? "/");
  const who = await parts.authenticate({ credentials, address, path });
  const outcome =
    who.status === "ok"
      ? await updateDomain(parts, request, { who, address })
      : authenticationRefusal(who.status);
  return "message" in outcome ? sendRefusal(reply, outcome) : sendJson(reply, 200, outcome);
}

interface Done {
  readonly status: "good" | "nochg";
  readonly domain: string;
  readonly ip: string;
}

async function updateDomain(
  parts: DyndnsParts,
  request: FastifyRequest,
  { who, address }: { who: Extract<Authentication, { status: "ok" }>; address: string },
): Promise<Done | Refusal> {
  let parameters: RequestParameters;
  try {
    parameters = await readParameters({
      query: targetQuery(request.raw.url ?? "/"),
      body: (request.body as Buffer | undefined) ?? Buffer.alloc(0),
      contentType: request.declaredType,
    });
  } catch (error) {
    return badRequest(errorMessage(error));
  }
  const { principal, user } = who;
  const domain =
    parameters.first("domain", "hostname", "host") ?? impliedHost(user, principal, parts.hasZone);
  const host = domain === undefined ? undefined : parseHost(domain);
  if (host === undefined) return badRequest("`domain` must be one full domain name");
  const wanted = singleAddress(parameters.first("ip", "myip", "address")?.trim() ?? address);
  if (wanted === undefined) return badRequest("`ip` must be one IPv4 or IPv6 address");
  const update = {
    host,
    wanted: onlyAddress(wanted),
    principal,
    door: "dyndns2",
    address,
  } as const;
  const verdict = await submitHostUpdate(parts, update);
  if (verdict.status === "refused") return verdictRefusal(verdict);
  const status = verdict.status === "applied" ? "good" : "nochg";
  return { status, domain: formatName(host).slice(0, -1), ip: wanted.text };
}
