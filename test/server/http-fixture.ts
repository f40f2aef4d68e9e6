/** An HTTP app over a real engine, a memory store and one zone, and what tests want to see of it. */
import type { FastifyInstance } from "fastify";
import type { Clock } from "../../src/base/clock.ts";
import { createLogger, type Logger } from "../../src/base/log.ts";
import { Accounts } from "../../src/identity/accounts.ts";
import type { GrantText } from "../../src/identity/grant-text.ts";
import { createHttpApp, type HttpTimeouts } from "../../src/server/http/app.ts";
import type { Readiness } from "../../src/server/http/health.ts";
import { type HttpChoices, HttpSettings } from "../../src/server/http/http-settings.ts";
import { Metrics } from "../../src/server/http/metrics.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { createTableMemory } from "../../src/table/table-memory.ts";
import { TableWriter } from "../../src/table/table-writer.ts";
import { createUpdateEngine, type ZoneEngine } from "../../src/update/update-engine.ts";
import { Type } from "../../src/wire/code-points.ts";
import { parseName } from "../../src/wire/name.ts";
import { formatRdata, parseRdata } from "../../src/wire/rdata.ts";
import { makeRRset, type RRset } from "../../src/zone/rrset.ts";

export const ORIGIN = parseName("dyn.example.com");

/** A clock that stands still until the test moves it. */
export class TestClock implements Clock {
  ms = Date.UTC(2026, 0, 1);

  nowMs(): number {
    return this.ms;
  }

  monotonicMs(): number {
    return this.ms;
  }
}

export interface HttpFixture {
  readonly app: FastifyInstance;
  readonly accounts: Accounts;
  readonly engine: ZoneEngine;
  readonly store: FlakyStore;
  readonly clock: TestClock;
  readonly metrics: Metrics;
  readonly settings: HttpSettings;
  /** Log lines so far, parsed. */
  readonly lines: readonly Record<string, unknown>[];
  readiness: Readiness;
  /** Addresses at a host, as text, or `[]`. */
  addresses(host: string, type?: "A" | "AAAA"): readonly string[];
  serial(): number;
  close(): Promise<void>;
}

/** A store that can be made unreachable. */
export class FlakyStore extends MemoryStore {
  isDown = false;

  override async commit(commit: Parameters<MemoryStore["commit"]>[0]) {
    if (this.isDown) throw new Error("the store is down");
    return super.commit(commit);
  }
}

export const HOST_GRANTS: GrantText[] = [
  { allow: ["update"], name: "home.dyn.example.com", types: ["A", "AAAA"] },
  { allow: ["update"], name: "nas.dyn.example.com", types: ["A", "AAAA"] },
];

/** User `alice` with the password `s3cr:et` may change `home` and `nas`; `bob`'s plain token only `bob`. */
export async function openHttpFixture(
  { timeouts = {}, ...choices }: Partial<HttpChoices> & { readonly timeouts?: HttpTimeouts } = {},
  password = "",
): Promise<HttpFixture> {
  const lines: Record<string, unknown>[] = [];
  const log: Logger = createLogger("debug", { write: (line) => void lines.push(JSON.parse(line)) });
  const clock = new TestClock();
  const store = new FlakyStore();
  const accounts = new Accounts({ store, clock, log });
  const alice = password === "" ? [] : [{ name: "alice", password, grants: HOST_GRANTS }];
  accounts.replaceConfigured([
    ...alice,
    {
      name: "bob",
      token: "bobs-plain-token",
      grants: [{ allow: ["update"], name: "bob.dyn.example.com", types: ["A", "AAAA"] }],
    },
  ]);
  const writer = new TableWriter(createTableMemory(1024 * 1024));
  const engine = createUpdateEngine({ store, writer, clock, log });
  await engine.start();
  await createZone(engine);
  const metrics = new Metrics({
    counterMemory: undefined,
    zones: () => engine.zones(),
    table: () => writer.usage(),
    isStoreUp: () => !store.isDown,
    lostRRsets: () => 0,
    configuration: { problem: "", takenOverMs: 0 },
  });
  const fixture = {
    readiness: { ready: true, reasons: [] as string[] },
    addresses: (host: string, type: "A" | "AAAA" = "A") => readAddresses(engine, host, type),
    serial: () => engine.zones()[0]?.serial as number,
    close: async () => {
      await app.close();
      await engine.close();
      await store.close();
    },
  };
  const settings = new HttpSettings({ ttl: 60, trustedProxies: [], metrics: true, ...choices });
  const app = createHttpApp({
    engine,
    accounts,
    store,
    hasZone: (origin) => engine.view(origin) !== undefined,
    readiness: () => fixture.readiness,
    metrics,
    clock,
    log,
    settings,
    timeouts,
  });
  const parts = { app, accounts, engine, store, clock, metrics, settings, lines };
  return Object.assign(fixture, parts);
}

export function basic(user: string, secret: string): string {
  return `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`;
}

async function createZone(engine: ZoneEngine): Promise<void> {
  const record = (owner: string, rrtype: number, ...words: string[]): RRset => {
    const tokens = words.map((text) => ({ text, quoted: false }));
    return makeRRset(parseName(owner, ORIGIN), rrtype, 300, [parseRdata(rrtype, tokens, ORIGIN)]);
  };
  const soa = ["ns", "hostmaster", "1", "3600", "900", "604800", "60"];
  const intent = {
    origin: ORIGIN,
    principal: { actor: "local", grants: [], isOperator: true },
    door: "cli",
    address: "",
  } as const;
  await engine.createZone(intent, [
    record("@", Type.SOA, ...soa),
    record("@", Type.NS, "ns"),
    record("ns", Type.A, "192.0.2.53"),
    record("alias", Type.CNAME, "home"),
  ]);
}

function readAddresses(engine: ZoneEngine, host: string, type: "A" | "AAAA"): readonly string[] {
  const rrset = engine.view(ORIGIN)?.rrset(parseName(host, ORIGIN), Type[type]);
  return (rrset?.rdatas ?? []).map((rdata) => formatRdata(Type[type], rdata));
}
