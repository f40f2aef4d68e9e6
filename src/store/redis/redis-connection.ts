/**
 * The connection to Redis. A command fails at once while Redis is down: a commit whose answer was lost must not be
 * applied again behind the caller's back. Reconnecting goes on in the background.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { ErrorCode, errorMessage, WindhoverError } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";
import { createClient, isSelectRefused } from "./redis-client.ts";
import { redisError } from "./redis-error.ts";
import { type RedisKeys, SCHEMA_VERSION } from "./redis-keys.ts";
import type { RedisLocation } from "./redis-location.ts";
import { commandName, SCRIPTS, type ScriptArgument, type ScriptName } from "./redis-scripts.ts";
import { findOtherTransport } from "./redis-transport.ts";
import {
  type ReplicaTerms,
  type ReplicatedReply,
  ReplicatedScripts,
} from "./replicated-scripts.ts";

const OLDEST_REDIS = 6;

type ScriptCommand = (...args: (string | number | Buffer)[]) => Promise<unknown>;

/** Heard when the connection is lost or back: `reason` says why, empty when it is up. */
export type StateListener = (isUp: boolean, reason: string) => void;

export class RedisConnection {
  readonly client: Redis;
  /** For messages: `Redis at redis://host:6379/0`. */
  readonly place: string;
  readonly #location: RedisLocation;
  readonly #listeners = new Set<StateListener>();
  #isUp = false;
  /** Whether the first connection succeeded: from then on it is made again whenever it is lost. */
  #wasUp = false;
  #reason = "";
  /** This connection is not to our database, and about to be closed. */
  #isElsewhere = false;
  readonly #replicated: ReplicatedScripts | undefined;

  constructor(location: RedisLocation, terms: ReplicaTerms) {
    this.#location = location;
    this.place = `Redis at ${location.shown}`;
    this.client = createClient(location, () => this.#wasUp);
    for (const [name, script] of Object.entries(SCRIPTS)) {
      this.client.defineCommand(commandName(name), script);
    }
    if (terms.replicas > 0) {
      const client = createClient(
        location,
        () => this.#wasUp,
        Limits.redisCommandMs + terms.waitMs,
      );
      this.#replicated = new ReplicatedScripts(client, location.kind === "cluster", terms);
    }
    this.client.on("error", (error: unknown) => {
      if (!this.#isElsewhere) this.#reason = errorMessage(error);
      this.#isElsewhere ||= isSelectRefused(error);
    });
    this.client.on("ready", () => {
      if (!this.#isElsewhere) this.#setState(true, "");
    });
    this.client.on("close", () => {
      this.#isElsewhere = false;
      this.#setState(false, this.#reason || "the connection was closed");
    });
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  onState(listener: StateListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first connection: it succeeds, or says why not and gives up. */
  async connect(keys: RedisKeys): Promise<void> {
    try {
      await this.#reach();
      await checkServer(this.client, this.place);
      await checkSchema(this.client, keys, this.place);
      await this.#replicated?.connect();
    } catch (error) {
      this.client.disconnect();
      this.#replicated?.close();
      if (error instanceof WindhoverError) throw error;
      const other = await findOtherTransport(this.#location);
      throw redisError(this.place, other ?? (this.#reason || error));
    }
    this.#wasUp = true;
  }

  /** A port without TLS lets who waits for a handshake wait, so that is looked at before the wait is over. */
  async #reach(): Promise<void> {
    const connecting = this.client.connect();
    if (!this.#location.isTls) return connecting;
    const reached = new AbortController();
    const options = { ref: false, signal: reached.signal };
    const looking = delay(Limits.redisTransportMs, undefined, options).then(async () => {
      const other = await findOtherTransport(this.#location);
      if (other !== undefined) throw redisError(this.place, other);
      return connecting;
    });
    try {
      await Promise.race([connecting, looking]);
    } finally {
      reached.abort();
    }
  }

  /** A Redis that was restarted empty gets its mark again, before others take it for something else. */
  async keepSchema({ schema }: RedisKeys): Promise<void> {
    if (this.#wasUp) await this.ask(() => this.client.setnx(schema, SCHEMA_VERSION));
  }

  /** Runs a script; bytes come back as Buffers. */
  async script(
    name: ScriptName,
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<unknown> {
    const commands = this.client as unknown as Record<string, ScriptCommand>;
    const command = commands[`${commandName(name)}Buffer`] as ScriptCommand;
    return this.ask(
      () => command.call(this.client, ...keys, ...(args as (string | Buffer)[])),
      keys,
    );
  }

  /** Runs a script that changes something, and waits for as many replicas as were asked for. */
  async write(
    name: ScriptName,
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<ReplicatedReply> {
    const replicated = this.#replicated;
    if (replicated === undefined) {
      return { reply: await this.script(name, keys, args), unconfirmed: undefined };
    }
    return this.ask(() => replicated.run({ lua: SCRIPTS[name].lua, keys, args }), keys);
  }

  /** The same, rejecting when replicas are missing, though the change has happened. */
  async writeSurely(
    name: ScriptName,
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<unknown> {
    const { reply, unconfirmed } = await this.write(name, keys, args);
    this.insist(unconfirmed);
    return reply;
  }

  /** Throws for a change that too few replicas have. */
  insist(unconfirmed: string | undefined): void {
    if (unconfirmed === undefined) return;
    throw new WindhoverError(
      ErrorCode.storeUnavailable,
      `${this.place} did it, but a failover may lose it: ${unconfirmed}`,
    );
  }

  /** Does a command; whatever goes wrong is a `store-unavailable` or `store-format` that names this Redis. */
  async ask<T>(command: () => Promise<T>, keys: readonly string[] = []): Promise<T> {
    if (this.#wasUp && !this.#isUp) {
      throw redisError(this.place, this.#downReason("it is being connected to"), keys);
    }
    try {
      return await command();
    } catch (error) {
      throw redisError(this.place, this.#isUp ? error : this.#downReason(error), keys);
    }
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    if (this.#isUp) await this.client.quit().catch(() => "");
    this.client.disconnect();
    this.#replicated?.close();
  }

  get isReplicated(): boolean {
    return this.#replicated !== undefined;
  }

  #downReason(error: unknown): string {
    return `not connected (${this.#reason || errorMessage(error)})`;
  }

  #setState(isUp: boolean, reason: string): void {
    if (isUp) this.#reason = "";
    if (this.#isUp === isUp) return;
    this.#isUp = isUp;
    for (const listener of this.#listeners) listener(isUp, reason);
  }
}

async function checkServer(client: Redis, place: string): Promise<void> {
  // Who may not ask is not told, and learns of an old Redis when a command fails.
  const server = await client.info("server").catch(withoutRight);
  const version = /^redis_version:(\d+)(\S*)/m.exec(server);
  if (version !== null && Number(version[1]) < OLDEST_REDIS) {
    const text = `${place} has version ${version[1]}${version[2]}; Windhover needs ${OLDEST_REDIS} or newer`;
    throw new WindhoverError(ErrorCode.storeUnavailable, text);
  }
}

function withoutRight(error: unknown): string {
  if (/\bNOPERM\b/.test(errorMessage(error))) return "";
  throw error;
}

async function checkSchema(client: Redis, keys: RedisKeys, place: string): Promise<void> {
  await client.setnx(keys.schema, SCHEMA_VERSION);
  const found = await client.get(keys.schema);
  if (found === SCHEMA_VERSION) return;
  throw new WindhoverError(
    ErrorCode.storeFormat,
    `${place} has schema version ${found} under ${keys.schema}, and this version of Windhover reads ` +
      `${SCHEMA_VERSION}; use the version of Windhover that wrote it, or another prefix or database`,
  );
}
