/**
 * dyndns2: the protocol of routers, ddclient and inadyn, under all the paths their vendors gave it. An update makes
 * the host's address RRsets, also where there were none: what the credential's grants cover is what there can be.
 * `wildcard`, `mx`, `backmx`, `system`, `url`, `ip6lanprefix` and whatever else a client sends are accepted and
 * mean nothing here.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { errorMessage } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";
import type { Authenticate, Authentication } from "./authenticate.ts";
import type { ClientAddress } from "./client-address.ts";
import { requestCredentials } from "./credentials.ts";
import { readAddresses, type WantedAddresses } from "./dyndns-addresses.ts";
import {
  type DyndnsReply,
  type HostOutcome,
  hostsReply,
  type RequestCode,
  requestReply,
  verdictCode,
} from "./dyndns-reply.ts";
import { impliedHost, isStrict, readHosts } from "./dyndns-request.ts";
import { parseHost } from "./host-name.ts";
import { addressTexts, type HostUpdateParts, submitHostUpdate } from "./host-update.ts";
import { type RequestParameters, readParameters } from "./request-parameters.ts";
import { targetPath, targetQuery } from "./request-target.ts";
import { sendText } from "./text-reply.ts";

const PATHS = [
  "/nic/update",
  "/v3/update",
  "/nic/dyndns",
  "/nic/statdns",
  "/dyndns/update",
  "/ph/update",
  "/update.php",
  "/XDynDNSServer/XDynDNS.php",
  "/update",
] as const;

export interface DyndnsParts extends HostUpdateParts {
  readonly authenticate: Authenticate;
  readonly clientAddress: ClientAddress;
}

/** One request, read so far. */
interface Call {
  readonly parameters: RequestParameters;
  readonly strict: boolean;
  readonly address: string;
  readonly path: string;
}

export function addDyndnsRoutes(app: FastifyInstance, parts: DyndnsParts): void {
  for (const url of PATHS) {
    app.route({
      method: ["GET", "POST", "PUT"],
      url,
      handler: (request, reply) => serveDyndns(parts, request, reply),
    });
    app.route({
      method: ["HEAD", "DELETE", "PATCH", "OPTIONS"],
      url,
      handler: (_request, reply) =>
        sendText(reply.header("allow", "GET, POST, PUT"), 405, "badagent\n"),
    });
  }
}

export async function serveDyndns(
  parts: DyndnsParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const answer = await answerDyndns(parts, request);
  if (answer.status === 401) reply.header("www-authenticate", 'Basic realm="windhover"');
  return sendText(reply, answer.status, answer.body);
}

async function answerDyndns(parts: DyndnsParts, request: FastifyRequest): Promise<DyndnsReply> {
  const target = request.raw.url ?? "/";
  const { headers, socket } = request.raw;
  const address = parts.clientAddress({ remoteAddress: socket.remoteAddress, headers });
  const path = targetPath(target);
  let parameters: RequestParameters;
  try {
    parameters = await readParameters({
      query: targetQuery(target),
      body: (request.body as Buffer | undefined) ?? Buffer.alloc(0),
      contentType: request.declaredType,
    });
  } catch (error) {
    logRefusal(parts, { address, path }, errorMessage(error));
    return { status: 400, body: "dnserr\n" };
  }
  const call = { parameters, strict: isStrict(parameters, headers), address, path };
  return answerCall(parts, call, headers.authorization);
}

async function answerCall(
  parts: DyndnsParts,
  call: Call,
  authorization: string | undefined,
): Promise<DyndnsReply> {
  const named = readHosts(call.parameters);
  const credentials = requestCredentials(authorization, call.parameters, named[0]);
  const who = await parts.authenticate({ credentials, address: call.address, path: call.path });
  if (who.status !== "ok") return requestReply(FAILURE_CODES[who.status], call.strict);
  const hosts = named.length > 0 ? named : impliedHosts(parts, who);
  if (hosts.length === 0) {
    logRefusal(parts, call, "no host is named, and the credential stands for more than one");
    return requestReply("notfqdn", call.strict);
  }
  if (hosts.length > Limits.dyndnsHosts) {
    logRefusal(parts, call, `more than ${Limits.dyndnsHosts} hosts in one request`);
    return requestReply("numhost", call.strict);
  }
  return updateHosts(parts, call, who, hosts);
}

const FAILURE_CODES: Readonly<Record<Exclude<Authentication["status"], "ok">, RequestCode>> = {
  missing: "badauth",
  wrong: "badauth",
  busy: "911",
  blocked: "abuse",
};

type Known = Extract<Authentication, { status: "ok" }>;

function impliedHosts(parts: DyndnsParts, { user, principal }: Known): readonly string[] {
  const host = impliedHost(user, principal, parts.hasZone);
  return host === undefined ? [] : [host];
}

async function updateHosts(
  parts: DyndnsParts,
  call: Call,
  who: Known,
  hosts: readonly string[],
): Promise<DyndnsReply> {
  const wanted = readAddresses(call.parameters, call.address);
  if (wanted === "!donator") {
    logRefusal(parts, call, "only an IPv6 prefix was given, and no host depends on it");
    return requestReply(wanted, call.strict);
  }
  if (wanted === "dnserr") {
    logRefusal(parts, call, "a parameter is no usable IP address");
    return hostsReply(
      hosts.map(() => ({ code: "dnserr", addresses: [] })),
      call.strict,
    );
  }
  const outcomes = await Promise.all(
    hosts.map((host) => updateHost(parts, call, who, { host, wanted })),
  );
  const told = outcomes.filter((outcome) => outcome !== "911");
  return told.length < outcomes.length
    ? requestReply("911", call.strict)
    : hostsReply(told, call.strict);
}

async function updateHost(
  parts: DyndnsParts,
  call: Call,
  { principal }: Known,
  { host: text, wanted }: { readonly host: string; readonly wanted: WantedAddresses },
): Promise<HostOutcome | "911"> {
  const host = parseHost(text);
  if (host === undefined) {
    logRefusal(parts, { ...call, actor: principal.actor }, "a host is no full domain name");
    return { code: "notfqdn", addresses: [] };
  }
  const { address } = call;
  const verdict = await submitHostUpdate(parts, {
    host,
    wanted,
    principal,
    door: "dyndns2",
    address,
  });
  const code = verdictCode(verdict);
  return code === "911" ? code : { code, addresses: addressTexts(wanted) };
}

/** Never the query: it may hold a password. */
function logRefusal(
  { log }: DyndnsParts,
  { address, path, actor }: { address: string; path: string; actor?: string },
  detail: string,
): void {
  log.warn({ door: "dyndns2", actor, address, path, detail }, "update refused");
}
