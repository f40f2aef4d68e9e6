/**
 * Keys, users and tokens that were written or revoked on another node: read again as soon as the store tells, and
 * until it succeeds, so that nobody comes in with what was taken away.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { Accounts } from "../identity/accounts.ts";
import type { Keyring } from "../identity/keyring.ts";
import type { DocumentKind, Store } from "../store/store.ts";

export interface FollowedIdentities {
  readonly store: Store;
  readonly keyring: Pick<Keyring, "load">;
  readonly accounts: Pick<Accounts, "loadUsers" | "loadTokens">;
  readonly log: Logger;
}

/** Returns the way to stop. */
export function followIdentities({
  store,
  keyring,
  accounts,
  log,
}: FollowedIdentities): () => void {
  const stopped = new AbortController();
  const loads: Partial<Record<DocumentKind, () => void>> = {
    key: oneAtATime(() => keyring.load(), { log, stopped: stopped.signal }),
    user: oneAtATime(() => accounts.loadUsers(), { log, stopped: stopped.signal }),
    token: oneAtATime(() => accounts.loadTokens(), { log, stopped: stopped.signal }),
  };
  const stopWatching = store.watch({ documents: (kind) => loads[kind]?.() });
  return () => {
    stopWatching();
    stopped.abort();
  };
}

interface Repeating {
  readonly log: Logger;
  readonly stopped: AbortSignal;
}

/** Whatever is asked for during a load is one load after it. */
function oneAtATime(load: () => Promise<void>, { log, stopped }: Repeating): () => void {
  let isAsked = false;
  let isRunning = false;
  const run = async () => {
    isRunning = true;
    while (isAsked && !stopped.aborted) {
      isAsked = false;
      try {
        await load();
      } catch (error) {
        isAsked = true;
        const fields = { problem: errorMessage(error) };
        log.warn(fields, "credentials that another node changed cannot be read; trying again");
        await sleep(Limits.redisReconnectMs, undefined, { signal: stopped }).catch(() => {});
      }
    }
    isRunning = false;
  };
  return () => {
    isAsked = true;
    if (!isRunning) void run();
  };
}
