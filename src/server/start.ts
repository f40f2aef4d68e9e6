/**
 * The composition root: the only place that makes every part and knows them all. What it opens it closes in the
 * opposite order, also when a later part cannot start.
 */
import { Transport } from "../answer/client.ts";
import { systemClock } from "../base/clock.ts";
import { counterRow, createCounterMemory } from "../base/counters.ts";
import { Limits } from "../base/limits.ts";
import type { Logger, ProgramLog } from "../base/log.ts";
import { formatSocketAddress, type SocketAddress } from "../base/socket-address.ts";
import { compareConfigs } from "../config/compare-configs.ts";
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
import { listenOnSocket } from "./admin/admin-socket.ts";
import { type Answering, makeAnswering, SharedAnswerSettings } from "./answering.ts";
import { CertificateFiles } from "./certificate-files.ts";
import { Closers } from "./closers.ts";
import { createZones, makeConfiguredZones, readNewZones } from "./configured-zones.ts";
import { createDnsExchange, type DnsExchange } from "./dns-exchange.ts";
import { makeExample } from "./first-run.ts";
import { HttpSettings } from "./http/http-settings.ts";
import { Metrics } from "./http/metrics.ts";
import { followIdentities } from "./identity-follower.ts";
import { listenError } from "./listen-error.ts";
import { preferHugePages } from "./native/huge-pages.ts";
import { returnMemory } from "./native/return-memory.ts";
import { NotifySender } from "./notify-sender.ts";
import { ObservedStore } from "./observed-store.ts";
import { RateLimitLog } from "./rate-limit-log.ts";
import { Reloader } from "./reload.ts";
import { StreamServer } from "./stream-server.ts";
import { TlsHandshakes } from "./tls-handshakes.ts";
import { Transfers } from "./transfers.ts";
import { UdpPool, workerCount } from "./udp-pool.ts";
import { WatchedFiles } from "./watched-files.ts";

export interface RunningServer {
  /** What to print when an example was made; empty otherwise. */
  readonly firstSteps: readonly string[];
  /** Takes the configuration over anew; the log says what became of it. */
  reload(): Promise<void>;
  /** Stops taking queries and updates, lets what was taken finish, closes the store. */
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;

/** Where the configuration came from, to come from there again. */
export interface ConfigOrigin {
  /** Throws what is wrong with it. */
  readonly load: () => Config;
  /** A file that is taken over when it changes. */
  readonly watched: string | undefined;
}

/** Rows of counters and reader slots of the table, by thread; those of UDP are several. */
const Thread = { main: 0, udp: 1 } as const;

/** What is asked for whenever it is needed, and so may change. */
interface LiveSettings {
  zoneRRsets: number;
  /** Stores keep it: it is changed in place. */
  readonly retention: { entries: number; ageMs: number };
}

/** Everything that outlives a function here. */
interface Parts {
  readonly config: Config;
  readonly live: LiveSettings;
  readonly log: ProgramLog;
  readonly closers: Closers;
  /** Each part that takes settings while it runs is known to it. */
  readonly reloader: Reloader<Config>;
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
export async function startServer(
  config: Config,
  origin: ConfigOrigin,
  log: ProgramLog,
): Promise<RunningServer> {
  const closers = new Closers(log);
  const { load } = origin;
  const compare = compareConfigs;
  const reloader = new Reloader({ started: config, load, compare, clock: systemClock, log });
  try {
    const watch = config.watch ? await watchConfig(origin, reloader) : undefined;
    const parts = await makeParts(config, { log, closers, reloader });
    await parts.engine.start();
    await makeConfiguredZones(parts.engine, config.zones, log);
    const dns = await listenDns(parts);
    parts.notifier.start();
    const http = await listenHttp(parts);
    await listenAdmin(parts);
    const firstSteps = isFirstRun(parts) ? await makeExample(parts, { dns, http }) : [];
    closers.add("reload", () => reloader.close());
    closers.add("configuration file", async () => watch?.close());
    watch?.start();
    log.info({ zones: parts.engine.zones().length }, "ready");
    await returnMemory(config.dns.port);
    return {
      firstSteps,
      reload: () => untold(reloader.reload("signal")),
      close: () => closers.close(),
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** Looks at the file from before anything is made of it, so that no change is missed. */
async function watchConfig(
  { watched }: ConfigOrigin,
  reloader: Reloader<Config>,
): Promise<WatchedFiles | undefined> {
  if (watched === undefined) return undefined;
  const onChange = () => untold(reloader.reload("file"));
  return WatchedFiles.open({ paths: [watched], everyMs: Limits.configPollMs, onChange });
}

/** Nobody waits for the outcome, and the log has it. */
async function untold(reload: Promise<unknown>): Promise<void> {
  await reload.catch(() => {});
}

async function makeParts(
  config: Config,
  { log, closers, reloader }: Pick<Parts, "closers" | "reloader" | "log">,
): Promise<Parts> {
  const clock = systemClock;
  const live = liveSettings(config);
  const { retention } = live;
  const observed = await openObservedStore(config, { retention, log }, (updates, seconds) =>
    metrics.observeCommit(updates, seconds),
  );
  const { store } = observed;
  closers.add("store", () => store.close());
  const { keyring, accounts, stopFollowing } = await loadIdentities(config, store, log);
  closers.add("credentials", async () => stopFollowing());
  const table = createTableMemory();
  await preferHugePages(table.buffer, config.dns.port);
  const writer = new TableWriter(table);
  const counterMemory = createCounterMemory(Thread.udp + workerCount(config.dns.workers));
  const onCommit = (origin: Name) => notifier.changed(origin);
  const zoneRRsets = () => live.zoneRRsets;
  const engine = createUpdateEngine({ store, writer, clock, log, zoneRRsets, onCommit });
  closers.add("updates", () => engine.close());
  const soa = (origin: Name) => engine.view(origin)?.rrset(origin, Type.SOA);
  const findKey = (name: Name) => keyring.find(name)?.key;
  const notifier = new NotifySender({ zones: config.zones, soa, findKey, clock, log });
  closers.add("NOTIFY", () => notifier.close());
  const metrics = new Metrics({
    counterMemory,
    zones: () => engine.zones(),
    table: () => writer.usage(),
    isStoreUp: () => observed.problem === undefined,
    lostRRsets: () => engine.recovery.count().rrsets,
    storeWarnings: () => observed.warnings.length,
    configuration: reloader,
  });
  const doors = metrics.observeEngine(engine);
  const state = { table, writer, counterMemory, metrics, engine, doors, notifier };
  const parts = { config, live, log, closers, reloader, observed, ...state, keyring, accounts };
  reloadParts(parts);
  return parts;
}

function liveSettings({ limits, history }: Config): LiveSettings {
  const { entries, days } = history;
  const retention = { entries, ageMs: days === 0 ? Infinity : days * DAY_MS };
  return { zoneRRsets: limits.zoneRRsets, retention };
}

/** What these parts take over of a changed configuration; listeners add what is theirs. */
function reloadParts({ reloader, keyring, accounts, engine, notifier, live, log }: Parts): void {
  reloader.add((next) => ({ swap: keyring.prepareConfigured(next.keys) }));
  reloader.add((next) => ({ swap: accounts.prepareConfigured(next.users) }));
  reloader.add(async (next) => {
    const fresh = await readNewZones(engine, next.zones, log);
    const { zoneRRsets, retention } = liveSettings(next);
    return {
      make: () => createZones(engine, fresh, log),
      swap: () => {
        live.zoneRRsets = zoneRRsets;
        Object.assign(live.retention, retention);
        log.level = next.logLevel;
        notifier.replaceZones(next.zones);
      },
    };
  });
}

async function openObservedStore(
  config: Config,
  { retention, log }: Pick<LiveSettings, "retention"> & Pick<Parts, "log">,
  onCommit: (updates: number, seconds: number) => void,
): Promise<ObservedStore> {
  let observed: ObservedStore | undefined;
  const onState = (isUp: boolean, reason: string) => observed?.setState(isUp, reason);
  const { url, ...redis } = config.store;
  const onWarnings = (warnings: readonly string[]) => observed?.setHazards(warnings);
  const store = await openStore(url, { ...redis, retention, onState, onWarnings, log });
  observed = new ObservedStore(store, { clock: systemClock, log, onCommit });
  return observed;
}

async function loadIdentities(config: Config, store: Store, log: Logger) {
  const keyring = new Keyring({ store, log });
  const accounts = new Accounts({ store, clock: systemClock, log });
  keyring.replaceConfigured(config.keys);
  accounts.replaceConfigured(config.users);
  const stopFollowing = followIdentities({ store, keyring, accounts, log });
  await keyring.load();
  await accounts.load();
  return { keyring, accounts, stopFollowing };
}

/** UDP and TCP on every address; answers with the first, for people to try. */
async function listenDns(parts: Parts): Promise<SocketAddress> {
  const { config, log, closers, reloader, table, writer, counterMemory } = parts;
  const shared = new SharedAnswerSettings();
  const settings = shared.of(config.dns);
  const limiting = new RateLimitLog(counterMemory, log);
  closers.add("rate limit log", async () => limiting.close());
  const ownCounters = counterRow(counterMemory, Thread.main);
  const reader = new TableReader(table, Thread.main);
  const { begin: onLimiting } = limiting;
  const main = { reader, counters: ownCounters, clock: systemClock, onLimiting };
  const exchange = makeExchange(parts, makeAnswering(settings, main));
  const pool = new UdpPool({
    table,
    clearReader: (slot) => writer.clearReader(slot),
    counters: counterMemory,
    ownCounters,
    thread: Thread.udp,
    workers: workerCount(config.dns.workers),
    port: config.dns.port,
    settings,
    exchange: exchange.datagram,
    onLimiting,
    clock: systemClock,
    log,
  });
  closers.add("UDP", () => pool.close());
  await pool.listen(config.dns.listen);
  reloader.add(({ dns }) => {
    const next = shared.of(dns);
    const answering = makeAnswering(next, main);
    return {
      swap: () => {
        exchange.change(answering);
        return pool.change(next);
      },
    };
  });
  const streams = new StreamServer({ exchange: exchange.stream, transport: Transport.tcp, log });
  closers.add("TCP", () => streams.close());
  const bound = await streams.listen(config.dns.listen);
  log.info({ addresses: bound.map(formatSocketAddress) }, "answering over TCP");
  await listenTls(parts, exchange);
  return bound[0] as SocketAddress;
}

async function listenTls(
  { config, log, closers, reloader }: Parts,
  exchange: DnsExchange,
): Promise<void> {
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
  reloader.add(async ({ dns }) => ({ swap: await certificates.prepare(dns.tls ?? tls) }));
}

function makeExchange(parts: Parts, answering: Answering): DnsExchange {
  const { writer, counterMemory, keyring, doors, log } = parts;
  const counters = counterRow(counterMemory, Thread.main);
  const clock = systemClock;
  const transfers = new Transfers({ zones: parts.engine, table: writer, clock, log });
  return createDnsExchange({ answering, keyring, engine: doors, transfers, clock, log, counters });
}

async function listenHttp(parts: Parts): Promise<SocketAddress | undefined> {
  const { config, log, closers, reloader, observed, engine, doors, accounts, metrics } = parts;
  const { listen } = config.http;
  if (listen === undefined) return undefined;
  // Not before queries are answered: the package behind it is large.
  const { createHttpApp } = await import("./http/app.ts");
  const settings = new HttpSettings(config.http);
  reloader.add(({ http }) => ({ swap: settings.prepare(http) }));
  const app = createHttpApp({
    engine: doors,
    accounts,
    store: observed.store,
    hasZone: (origin) => engine.view(origin) !== undefined,
    readiness: () => {
      const reasons = observed.problem === undefined ? [] : [`store: ${observed.problem}`];
      return {
        ready: reasons.length === 0,
        reasons,
        warnings: [...observed.warnings, ...engine.recovery.warnings()],
      };
    },
    metrics,
    clock: systemClock,
    log,
    settings,
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
  reloader,
  observed,
}: Parts): Promise<void> {
  const { createAdminApp } = await import("./admin/admin-app.ts");
  const app = createAdminApp({
    engine,
    store: observed.store,
    clock: systemClock,
    keyring,
    accounts,
    reloader,
    returnMemory: () => returnMemory(config.dns.port),
    log,
  });
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
