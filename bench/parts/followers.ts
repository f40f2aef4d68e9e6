/**
 * What followers cost Redis: one store commits at a fixed rate while so many others do what a node does that follows:
 * hear the hint, ask for the version, read the journal from where they stand. They are the store's own code without a
 * table, so that many fit on one machine. What counts is the CPU time and the octets that Redis needs for a commit.
 */
import { Redis } from "ioredis";
import { openRedisStore, type RedisStore } from "../../src/store/redis-store.ts";
import type { ZoneVersion } from "../../src/store/store.ts";
import { type Name, parseName } from "../../src/wire/name.ts";
import { address, creation, host, makeCommit, put } from "../../test/store/zone-samples.ts";
import { type Fixture, progress } from "../fixture.ts";
import { RedisForBench } from "../redis.ts";

const FOLLOWERS = [0, 1, 2, 4, 8, 16, 32] as const;
const COMMITS_PER_SECOND = 100;
/** Updates that share a commit: alone, and as they come together under load. */
const TOGETHER = [1, 16] as const;
const COLUMN = "Redis";

export async function benchFollowers(fixture: Fixture): Promise<void> {
  const [redis, ...others] = await RedisForBench.startAll(fixture.directory);
  for (const other of others) await other.stop();
  if (redis === undefined) return progress("redis-server is not installed: followers are left out");
  try {
    for (let round = 1; round <= fixture.rounds; round++) {
      for (const together of TOGETHER) {
        for (const count of FOLLOWERS)
          await measure(fixture, redis.url, { round, together, count });
      }
    }
  } finally {
    await redis.stop();
  }
}

interface Setting {
  readonly round: number;
  /** Updates of one commit. */
  readonly together: number;
  /** Followers. */
  readonly count: number;
}

async function measure({ seconds, results }: Fixture, url: string, setting: Setting) {
  const { round, together, count } = setting;
  progress(`round ${round}: ${count} followers, ${together} updates a commit`);
  const origin = parseName(`z${round}-${together}-${count}.example.`);
  const writer = await openRedisStore(url);
  await writer.createZone(creation(origin), []);
  const followers: Follower[] = [];
  for (let at = 0; at < count; at++) followers.push(await Follower.open(url, origin));
  const before = await usage(url);
  const commits = await commitFor(writer, origin, together, seconds);
  const after = await usage(url);
  const label = `${together} updates a commit, ${count} followers`;
  const per = (total: number, unit: number) => (total / commits) * unit;
  results.add(`Redis CPU of a commit, ${label} (µs)`, COLUMN, per(after.cpu - before.cpu, 1e6));
  results.add(`octets out of Redis, ${label}`, COLUMN, per(after.octets - before.octets, 1));
  if (count > 0) {
    const reads = followers.reduce((sum, each) => sum + each.reads, 0);
    results.add(`reads of a follower for a commit, ${label}`, COLUMN, reads / commits / count);
  }
  for (const follower of followers) await follower.close();
  await writer.close();
}

/** How many commits were made in that time, at the fixed rate or as fast as they are answered. */
async function commitFor(store: RedisStore, origin: Name, together: number, seconds: number) {
  let version: ZoneVersion = { serial: 1, sequence: 1 };
  const startMs = performance.now();
  for (let count = 0; ; count++) {
    const dueMs = startMs + (count * 1_000) / COMMITS_PER_SECOND;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (performance.now() > startMs + seconds * 1_000) return count;
    const changes = Array.from({ length: together }, (_, at) =>
      put(address(host(`h${at}`, origin), count)),
    );
    const commit = makeCommit(origin, version, changes.slice(0, 1), together);
    const outcome = await store.commit({ ...commit, changes });
    if (outcome.status !== "committed") throw new Error("somebody else writes here");
    version = commit.next;
  }
}

class Follower {
  readonly #store: RedisStore;
  readonly #origin: Name;
  #sequence = 1;
  #isReading = false;
  #isBehind = false;
  reads = 0;

  private constructor(store: RedisStore, origin: Name) {
    this.#store = store;
    this.#origin = origin;
    store.watch({
      zones: {
        origins: () => [origin],
        version: () => undefined,
        changed: () => void this.#follow(),
      },
    });
  }

  static async open(url: string, origin: Name): Promise<Follower> {
    return new Follower(await openRedisStore(url), origin);
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  /** Hints that come meanwhile are one more look, as in a lane. */
  async #follow(): Promise<void> {
    this.#isBehind = true;
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#isBehind) {
      this.#isBehind = false;
      await this.#read().catch(() => {});
    }
    this.#isReading = false;
  }

  async #read(): Promise<void> {
    const found = await this.#store.findZone(this.#origin);
    if (found === undefined || found.sequence <= this.#sequence) return;
    this.reads++;
    const range = { afterSequence: this.#sequence, limit: found.sequence - this.#sequence };
    const entries = await this.#store.readJournal(this.#origin, range);
    this.#sequence = entries.at(-1)?.sequence ?? this.#sequence;
  }
}

/** Seconds of CPU and octets sent since Redis was started. */
async function usage(url: string): Promise<{ cpu: number; octets: number }> {
  const client = new Redis(url);
  const text = `${await client.info("cpu")}${await client.info("stats")}`;
  client.disconnect();
  const field = (name: string) => Number(new RegExp(`^${name}:(\\S+)`, "m").exec(text)?.[1]);
  return {
    cpu: field("used_cpu_user") + field("used_cpu_sys"),
    octets: field("total_net_output_bytes"),
  };
}
