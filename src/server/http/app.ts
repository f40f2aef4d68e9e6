/**
 * The HTTP side: update doors, checkip, health and metrics on one fastify instance. Everything a client can make
 * large or slow is bounded here, before anyone looks at its credentials.
 */

import type { FastifyRequest } from "fastify";
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from "fastify";
import type { Clock } from "../../base/clock.ts";
import { ErrorCode } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";
import type { Logger } from "../../base/log.ts";
import type { Accounts } from "../../identity/accounts.ts";
import type { Store } from "../../store/store.ts";
import type { UpdateEngine } from "../../update/update-engine.ts";
import type { Name } from "../../wire/name.ts";
import { AuthFailures } from "./auth-failures.ts";
import { createAuthenticate } from "./authenticate.ts";
import { addCheckipRoutes, serveCheckipPage } from "./checkip.ts";
import { refuseBrokenRequest } from "./client-error.ts";
import { addDdnsUpdateRoutes } from "./ddns-update.ts";
import { addDyndnsRoutes, type DyndnsParts, serveDyndns } from "./dyndns.ts";
import { addHealthRoutes, type ReadinessProbe } from "./health.ts";
import type { HttpSettings } from "./http-settings.ts";
import type { Metrics } from "./metrics.ts";
import { createReplyGate } from "./reply-gate.ts";
import { addReportRoutes } from "./report.ts";
import { ReportLedger } from "./report-ledger.ts";
import { normalizeTarget, targetPath, targetQuery } from "./request-target.ts";
import { sendJson, sendText } from "./text-reply.ts";

export interface HttpParts {
  readonly engine: UpdateEngine;
  readonly accounts: Accounts;
  readonly store: Store;
  /** Whether a zone of this origin is served. */
  readonly hasZone: (origin: Name) => boolean;
  readonly readiness: ReadinessProbe;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly settings: HttpSettings;
  readonly timeouts?: HttpTimeouts;
}

/** What only a test chooses: each may only shorten what `Limits` says. */
export interface HttpTimeouts {
  readonly headersMs?: number;
  readonly requestMs?: number;
}

declare module "fastify" {
  interface FastifyRequest {
    /** The content type as the client declared it. */
    declaredType: string;
  }
}

/** Ready to `listen` or `inject`. */
export function createHttpApp(parts: HttpParts): FastifyInstance {
  const app = createServer(parts.timeouts);
  const { accounts, clock, log, metrics, settings } = parts;
  const authenticate = createAuthenticate({
    accounts,
    log,
    failures: new AuthFailures(clock),
    observe: (status) => metrics.observeAuthentication(status),
  });
  const { engine, hasZone } = parts;
  const { ttl, clientAddress } = settings;
  const doors = { engine, hasZone, ttl, log, authenticate, clientAddress };
  const ledger = new ReportLedger(parts);
  addBounds(app);
  addErrorReplies(app, log);
  app.addHook("onSend", createReplyGate());
  app.addHook("onReady", () => ledger.load());
  app.addHook("onResponse", (request, reply, done) => {
    metrics.observeHttpRequest(request.routeOptions.url ?? "none", reply.statusCode);
    done();
  });
  addDyndnsRoutes(app, doors);
  addDdnsUpdateRoutes(app, doors);
  addRootRoute(app, doors);
  addCheckipRoutes(app, clientAddress);
  addHealthRoutes(app, parts.readiness);
  addMetricsRoute(app, metrics, settings);
  void app.register(async (scope) => addReportRoutes(scope, { ...doors, ledger }));
  return app;
}

function createServer(timeouts: HttpTimeouts | undefined): FastifyInstance {
  const headersMs = Math.min(timeouts?.headersMs ?? Limits.httpHeadersMs, Limits.httpHeadersMs);
  const requestMs = Math.min(timeouts?.requestMs ?? Limits.httpRequestMs, Limits.httpRequestMs);
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: Limits.httpBody,
    requestTimeout: requestMs,
    keepAliveTimeout: Limits.httpIdleMs,
    connectionTimeout: Limits.httpRequestMs + Limits.httpIdleMs,
    forceCloseConnections: "idle",
    return503OnClosing: true,
    rewriteUrl: ({ url }) => normalizeTarget(url ?? "/"),
    routerOptions: { maxParamLength: 100, querystringParser: () => ({}) },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    frameworkErrors: (_error, _request, reply) => sendText(reply, 400, "bad request\n"),
    clientErrorHandler: refuseBrokenRequest,
    http: {
      maxHeaderSize: Limits.httpHeaders,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(1_000, headersMs),
    },
  });
  app.server.maxHeadersCount = Limits.httpHeaderLines;
  app.server.maxConnections = Limits.httpConnections;
  return app;
}

/** Bodies are octets for whoever reads them, whatever type they claim. */
function addBounds(app: FastifyInstance): void {
  app.decorateRequest("declaredType", "");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.addHook("onRequest", (request, reply, done) => {
    const { headers } = request.raw;
    request.declaredType = headers["content-type"] ?? "";
    delete headers["content-type"];
    if (headers["transfer-encoding"] !== undefined) reply.header("connection", "close");
    if (Number(headers["content-length"] ?? 0) <= Limits.httpBody) return done();
    sendText(reply.header("connection", "close"), 413, "too large\n");
  });
}

/** No answer repeats anything of the request: clients look for success words anywhere in it. */
function addErrorReplies(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler((_request, reply) => sendText(reply, 404, "not found\n"));
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (error.validation !== undefined) {
      const message = `the body ${error.message.replace(/^body\b\S*\s*/, "")}`;
      return sendJson(reply, 400, { code: ErrorCode.badRequest, message });
    }
    if (status < 500) return sendText(reply, status, "bad request\n");
    const path = targetPath(request.raw.url ?? "/");
    log.error({ path, problem: error.message }, "an HTTP request failed");
    return sendText(reply, 503, "911\n");
  });
}

/** `/`: the page of a `checkip.` host, or dyndns2 for clients that are given only a host name. */
function addRootRoute(app: FastifyInstance, doors: DyndnsParts): void {
  app.route({
    method: ["GET", "POST", "PUT"],
    url: "/",
    handler: (request: FastifyRequest, reply: FastifyReply) => {
      const { headers, url = "/" } = request.raw;
      if (headers.host?.toLowerCase().startsWith("checkip.")) {
        return serveCheckipPage(doors.clientAddress, request, reply);
      }
      const isUpdate = targetQuery(url) !== "" || request.body !== undefined;
      return isUpdate ? serveDyndns(doors, request, reply) : sendText(reply, 404, "not found\n");
    },
  });
}

function addMetricsRoute(
  app: FastifyInstance,
  { registry }: Metrics,
  settings: HttpSettings,
): void {
  app.get("/metrics", async (_request, reply) => {
    if (!settings.hasMetrics()) return reply.callNotFound();
    const text = await registry.metrics();
    return reply.header("content-type", registry.contentType).send(text);
  });
}
