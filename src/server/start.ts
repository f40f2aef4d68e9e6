/**
 * The composition root: the only place that makes every part and knows them all. What it opens it closes in the
 * opposite order, also when a later part cannot start.
 */
import { randomBytes } from "node:crypto";
import { createAnswerQuery } from "../answer/answer-query.ts";
import { type AnswerSettings, defaultAnswerSettings } from "../answer/answer-settings.ts";
import { Transport } from "../answer/client.ts";
import { ServerCookies } from "../answer/cookies.ts";
import { createRateLimitTable, type LimitingListener, RateLimiter } from "../answer/rate-limit.ts";
import { systemClock } from "../base/clock.ts";
import { counterRow, createCounterMemory } from "../base/counters.ts";
import type { Logger } from "../base/log.ts";
import { SIPHASH_KEY_LENGTH } from "../base/siphash.ts";
import { formatSocketAddress, type SocketAddress } from "../base/socket-address.ts";
import type { Config } from "../config/config.ts";
import { Accounts } from "../identity/accounts.ts";
import { Keyring } from "../identity/keyring.ts";
import { openStore } from "../store/open-store.ts";
import type { Store } from "../store/store.ts";
import { createTableMemory, type TableMemory } from "../table/table-memory.ts";
import { TableReader } from "../table/table-reader.ts";
import { TableWriter } from "../table/table-writer.ts";
import { createUpdateEngine, type UpdateEngine, type ZoneEngine } from "../update/update-engine.ts";
import { Type } from "../wire/code-points.ts";
import type { Name } from "../wire/name.ts";
import { createAdminApp } from "./admin/admin-app.ts";
import { listenOnSocket } from "./admin/admin-socket.ts";
import { CertificateFiles } from "./certificate-files.ts";
import { Closers } from "./closers.ts";
import { makeConfiguredZones } from "./configured-zones.ts";
import { createDnsExchange, type DnsExchange } from "./dns-exchange.ts";
import { makeExample } from "./first-run.ts";
import { createHttpApp } from "./http/app.ts";
import { Metrics } from "./http/metrics.ts";
import { listenError } from "./listen-error.ts";
import { NotifySender } from "./notify-sender.ts";
import { ObservedStore } from "./observed-store.ts";
import { RateLimitLog } from "./rate-limit-log.ts";
import { StreamServer } from "./stream-server.ts";
import { TlsHandshakes } from "./tls-handshakes.ts";
import { Transfers } from "./transfers.ts";
import { UdpPool, workerCount } from "./udp-pool.ts";

export interface RunningServer {
  /** What to print when an example was made; empty otherwise. */
  readonly firstSteps: readonly string[];
  /** Stops taking queries and updates, lets what was taken finish, closes the store. */
  close(): Promise<void>;
}

/** Rows of counters and reader slots of the table, by thread; those of UDP are several. */
const Thread = { main: 0, udp: 1 } as const;

/** Everything that outlives a function here. */
interface Parts {
  readonly config: Config;
  readonly log: Logger;
  readonly closers: Closers;
  readonly observed: ObservedStore;
  readonly table: TableMemory;
  readonly writer: TableWriter;
  readonly counterMemory: SharedArrayBuffer;
  readonly metrics: Metrics;
  readonly engine: ZoneEngine;
  /** The engine as the doors see it. */
  readonly doors: UpdateEngine;
  readonly notifier: NotifySender;
  readonly keyring: Keyring;
  readonly accounts: Accounts;
}

/** Rejects with one clear error, nothing left open, when any part cannot start. */
export async function startServer(config: Config, log: Logger): Promise<RunningServer> {
  const closers = new Closers(log);
  try {
    const parts = await makeParts(config, log, closers);
    await parts.engine.start();
    await makeConfiguredZones(parts.engine, config.zones, log);
    const dns = await listenDns(parts);
    parts.notifier.start();
    const http = await listenHttp(parts);
    await listenAdmin(parts);
    const firstSteps = isFirstRun(parts) ? await makeExample(parts, { dns, http }) : [];
    log.info({ zones: parts.engine.zones().length }, "ready");
    return { firstSteps, close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function makeParts(config: Config, log: Logger, closers: Closers): Promise<Parts> {
  const clock = systemClock;
  const observed = await openObservedStore(config, log, (updates, seconds) =>
    metrics.observeCommit(updates, seconds),
  );
  const { store } = observed;
  closers.add("store", () => store.close());
  const { keyring, accounts } = await loadIdentities(config, store, log);
  const table = createTableMemory();
  const writer = new TableWriter(table);
  const counterMemory = createCounterMemory(Thread.udp + workerCount(config.dns.workers));
  const onCommit = (origin: Name) => notifier.changed(origin);
  const { zoneRRsets } = config.limits;
  const engine = createUpdateEngine({ store, writer, clock, log, zoneRRsets, onCommit });
  closers.add("updates", () => engine.close());
  const soa = (origin: Name) => engine.view(origin)?.rrset(origin, Type.SOA);
  const notifier = new NotifySender({ zones: config.zones, soa, log });
  closers.add("NOTIFY", () => notifier.close());
  const metrics = new Metrics({
    counterMemory,
    zones: () => engine.zones(),
    table: () => writer.usage(),
    isStoreUp: () => observed.problem === undefined,
  });
  const doors = metrics.observeEngine(engine);
  const state = { table, writer, counterMemory, metrics, engine, doors, notifier };
  return { config, log, closers, observed, ...state, keyring, accounts };
}

async function openObservedStore(
  config: Config,
  log: Logger,
  onCommit: (updates: number, seconds: number) => void,
): Promise<ObservedStore> {
  let observed: ObservedStore | undefined;
  const onState = (isUp: boolean, reason: string) => observed?.setState(isUp, reason);
  const store = await openStore(config.store, { onState });
  observed = new ObservedStore(store, { clock: systemClock, log, onCommit });
  return observed;
}

async function loadIdentities(config: Config, store: Store, log: Logger) {
  const keyring = new Keyring({ store, log });
  const accounts = new Accounts({ store, clock: systemClock, log });
  keyring.replaceConfigured(config.keys);
  accounts.replaceConfigured(config.users);
  await keyring.load();
  await accounts.load();
  return { keyring, accounts };
}

/** UDP and TCP on every address; answers with the first, for people to try. */
async function listenDns(parts: Parts): Promise<SocketAddress> {
  const { config, log, closers, table, writer, counterMemory } = parts;
  const settings = answerSettings(config);
  const limiting = new RateLimitLog(counterMemory, log);
  closers.add("rate limit log", async () => limiting.close());
  const exchange = makeExchange(parts, settings, limiting.begin);
  const pool = new UdpPool({
    table,
    clearReader: (slot) => writer.clearReader(slot),
    counters: counterMemory,
    ownCounters: counterRow(counterMemory, Thread.main),
    thread: Thread.udp,
    workers: workerCount(config.dns.workers),
    port: config.dns.port,
    settings,
    exchange: exchange.datagram,
    onLimiting: limiting.begin,
    clock: systemClock,
    log,
  });
  closers.add("UDP", () => pool.close());
  await pool.listen(config.dns.listen);
  const streams = new StreamServer({ exchange: exchange.stream, transport: Transport.tcp, log });
  closers.add("TCP", () => streams.close());
  const bound = await streams.listen(config.dns.listen);
  log.info({ addresses: bound.map(formatSocketAddress) }, "answering over TCP");
  await listenTls(parts, exchange);
  return bound[0] as SocketAddress;
}

async function listenTls({ config, log, closers }: Parts, exchange: DnsExchange): Promise<void> {
  const { tls } = config.dns;
  if (tls === undefined) return;
  const certificates = await CertificateFiles.open({ paths: tls, clock: systemClock, log });
  closers.add("certificate files", async () => certificates.close());
  const filter = new TlsHandshakes(certificates);
  const transport = Transport.tls;
  const streams = new StreamServer({ exchange: exchange.stream, transport, log, filter });
  closers.add("TLS", () => streams.close());
  const bound = await streams.listen(tls.listen);
  log.info({ addresses: bound.map(formatSocketAddress) }, "answering over TLS");
}

function makeExchange(
  parts: Parts,
  settings: SharedSettings,
  onLimiting: LimitingListener,
): DnsExchange {
  const { table, writer, counterMemory, keyring, doors, log } = parts;
  const counters = counterRow(counterMemory, Thread.main);
  const reader = new TableReader(table, Thread.main);
  // What the main thread answers came over a stream or is signed: only its refusals are limited.
  const { rateLimit, ...unlimited } = settings;
  const answerQuery = createAnswerQuery({
    reader,
    counters,
    settings: unlimited,
    clock: systemClock,
  });
  const { udpPayload, cookieSecret } = settings;
  const clock = systemClock;
  const transfers = new Transfers({ zones: parts.engine, table: writer, clock, log });
  const cookies = new ServerCookies(cookieSecret, clock);
  return createDnsExchange({
    answerQuery,
    cookies,
    limiter: rateLimit && new RateLimiter(rateLimit, clock, onLimiting),
    keyring,
    engine: doors,
    transfers,
    clock,
    log,
    counters,
    udpPayload,
  });
}

/** All threads make the same cookies. */
type SharedSettings = AnswerSettings & { readonly cookieSecret: Uint8Array };

function answerSettings({ dns }: Config): SharedSettings {
  return {
    ...defaultAnswerSettings,
    cookieSecret: dns.cookieSecret ?? new Uint8Array(randomBytes(SIPHASH_KEY_LENGTH)),
    rateLimit: dns.rateLimit && { ...dns.rateLimit, table: createRateLimitTable() },
    version: dns.version || undefined,
    identity: dns.identity || undefined,
    nsid: dns.identity || undefined,
  };
}

async function listenHttp(parts: Parts): Promise<SocketAddress | undefined> {
  const { config, log, closers, observed, engine, doors, accounts, metrics } = parts;
  const { listen, ttl, trustedProxies } = config.http;
  if (listen === undefined) return undefined;
  const app = createHttpApp({
    engine: doors,
    accounts,
    store: observed.store,
    hasZone: (origin) => engine.view(origin) !== undefined,
    readiness: () => {
      const reasons = observed.problem === undefined ? [] : [`store: ${observed.problem}`];
      return { ready: reasons.length === 0, reasons };
    },
    metrics,
    clock: systemClock,
    log,
    settings: { ttl, trustedProxies, metrics: config.http.metrics },
  });
  closers.add("HTTP", () => app.close());
  try {
    await app.listen({ host: listen.address, port: listen.port });
  } catch (error) {
    throw listenError("HTTP", listen, error);
  }
  const address = app.addresses()[0] as SocketAddress;
  log.info({ address: formatSocketAddress(address) }, "update doors are open over HTTP");
  return address;
}

async function listenAdmin({
  config,
  log,
  closers,
  engine,
  keyring,
  accounts,
}: Parts): Promise<void> {
  const app = createAdminApp({ engine, keyring, accounts, log });
  closers.add("administrative socket", () => app.close());
  await listenOnSocket(app, config.socket);
  log.info({ socket: config.socket }, "the command line is served");
}

/** Nothing in the file, nothing in the environment, nothing stored. */
function isFirstRun({ config, engine, keyring, accounts }: Parts): boolean {
  return (
    config.file === undefined &&
    engine.zones().length === 0 &&
    keyring.list().length === 0 &&
    accounts.listUsers().length === 0 &&
    accounts.listTokens().length === 0
  );
}
