/**
 * The shape of `windhover.yaml`. What a key means stands here, next to its form and its default; `load.ts` reads
 * it, `config.ts` turns it into values the server uses.
 */
import { type Static, Type } from "@sinclair/typebox";
import { Limits } from "../base/limits.ts";
import { UserText } from "../identity/account-text.ts";
import { KeyText } from "../identity/keyring.ts";

const closed = { additionalProperties: false } as const;

export const ConfigText = Type.Object(
  {
    dns: Type.Object(
      {
        /** Addresses and ports for UDP and TCP. */
        listen: Type.Array(Type.String(), { default: ["127.0.0.1:5300"], minItems: 1 }),
        /** What answers over UDP: the native port where it works, `node:dgram` otherwise; or the one that must. */
        port: Type.Union(
          ["auto", "native", "dgram"].map((port) => Type.Literal(port)),
          { default: "auto" },
        ),
        /** Threads that answer over UDP; 0 for one less than the processor's cores. More than one needs the native port. */
        workers: Type.Integer({ default: 0, minimum: 0, maximum: Limits.udpWorkers }),
        /** Answer to `version.bind` and `version.server` in class CH; empty hides it. */
        version: Type.String({ default: "", maxLength: 128 }),
        /** Answer to `id.server` and `hostname.bind` in class CH, and NSID; empty hides it. */
        identity: Type.String({ default: "", maxLength: 128 }),
        /** 16 octets in hex that make DNS cookies, the same for all servers of one address; empty: random at start. */
        cookieSecret: Type.String({ default: "", pattern: "^([0-9a-fA-F]{32})?$" }),
        rateLimit: Type.Object(
          {
            /** Like responses over UDP that a client prefix (/24, /56) gets in a second; 0 for no limit. */
            perSecond: Type.Integer({ default: 0, minimum: 0, maximum: 1_000_000 }),
            /** Every so many-th response held back becomes a hint to come over TCP; 1 each, 0 none. */
            slip: Type.Integer({ default: 2, minimum: 0, maximum: 100 }),
            /** Clients without limit, as addresses or prefixes. */
            exempt: Type.Array(Type.String(), { default: [] }),
          },
          { ...closed, default: {} },
        ),
        /** DNS over TLS (RFC 7858). */
        tls: Type.Object(
          {
            /** Addresses and ports; none for no TLS. The port for it is 853. */
            listen: Type.Array(Type.String(), { default: [] }),
            /** PEM files, read again when they change: the certificate with its chain, and its private key. */
            certificate: Type.String({ default: "" }),
            key: Type.String({ default: "" }),
          },
          { ...closed, default: {} },
        ),
      },
      { ...closed, default: {} },
    ),
    http: Type.Object(
      {
        /** Address and port of the update doors, health and metrics; empty for none. */
        listen: Type.String({ default: "127.0.0.1:8053" }),
        /** Proxies whose X-Forwarded-For is believed, as addresses or prefixes. */
        trustedProxies: Type.Array(Type.String(), { default: [] }),
        /** TTL in seconds of records made through the HTTP doors. */
        ttl: Type.Integer({ default: 60, minimum: 0, maximum: 0x7fff_ffff }),
        /** Whether /metrics is served on this address. */
        metrics: Type.Boolean({ default: true }),
      },
      { ...closed, default: {} },
    ),
    /** Where zones live; a lone string is its `url`. */
    store: Type.Object(
      {
        /**
         * A directory (LMDB), or Redis: `redis://…`, `redis+sentinel://…`, `redis+cluster://…`; `rediss…` with TLS.
         */
        url: Type.String({ default: "./data", minLength: 1 }),
        /** Before every key in Redis; empty for `windhover:`. */
        prefix: Type.String({ default: "", pattern: "^[^{}\\s]{0,64}$" }),
        /** Replicas of Redis that must have a change before it is acknowledged. */
        waitReplicas: Type.Integer({ default: 0, minimum: 0, maximum: Limits.redisReplicas }),
        /** Milliseconds that they get; past it the change is not acknowledged, though it happened. */
        waitMs: Type.Integer({ default: 1_000, minimum: 1, maximum: Limits.redisCommandMs }),
      },
      { ...closed, default: {}, shorthand: "url" },
    ),
    /** What is kept of each zone's journal: what history, incremental transfers and following nodes reach back to. */
    history: Type.Object(
      {
        entries: Type.Integer({ default: 10_000, minimum: 1, maximum: Limits.journalEntries }),
        /** Days; 0 for any age. */
        days: Type.Number({ default: 0, minimum: 0, maximum: Limits.journalDays }),
      },
      { ...closed, default: {} },
    ),
    /** Whether this file is taken over when it changes; without, on SIGHUP and by `windhover reload` alone. */
    watch: Type.Boolean({ default: true }),
    /** The administrative Unix socket; empty means `windhover.sock` in the data directory. */
    socket: Type.String({ default: "" }),
    log: Type.Object(
      {
        level: Type.Union(
          ["debug", "info", "warn", "error"].map((level) => Type.Literal(level)),
          { default: "info" },
        ),
      },
      { ...closed, default: {} },
    ),
    limits: Type.Object(
      {
        /** RRsets that a zone may have: what an update or an import past it brings is refused. */
        zoneRRsets: Type.Integer({
          default: Limits.zoneRRsets,
          minimum: 1,
          maximum: Limits.zoneRRsets,
        }),
      },
      { ...closed, default: {} },
    ),
    zones: Type.Array(
      Type.Object(
        {
          origin: Type.String({ minLength: 1 }),
          /** Read once, when the store has no such zone. */
          file: Type.Optional(Type.String({ minLength: 1 })),
          /** Secondaries to NOTIFY: address and port, or with the TSIG key that signs it. */
          notify: Type.Array(
            Type.Union([
              Type.String(),
              Type.Object(
                { address: Type.String(), key: Type.Optional(Type.String({ minLength: 1 })) },
                closed,
              ),
            ]),
            { default: [] },
          ),
        },
        closed,
      ),
      { default: [] },
    ),
    keys: Type.Array(KeyText, { default: [] }),
    /** dyndns2 Basic authentication. */
    users: Type.Array(UserText, { default: [] }),
  },
  { ...closed, default: {} },
);
export type ConfigText = Static<typeof ConfigText>;
