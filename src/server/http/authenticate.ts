/** From the credentials of a request to its principal, with the brake on guessing. */
import type { Logger } from "../../base/log.ts";
import type { Accounts } from "../../identity/accounts.ts";
import type { Principal } from "../../identity/principal.ts";
import type { AuthFailures } from "./auth-failures.ts";
import type { Credential } from "./credentials.ts";

export type Authentication =
  | { readonly status: "ok"; readonly principal: Principal; readonly user: string }
  /** No credentials at all: how many clients begin, and no failure. */
  | { readonly status: "missing" }
  | { readonly status: "wrong" }
  /** Too many passwords are being checked. */
  | { readonly status: "busy" }
  /** Too many failures from this address. */
  | { readonly status: "blocked" };

export interface Attempt {
  readonly credentials: readonly Credential[];
  readonly address: string;
  /** Path of the request, for the log. */
  readonly path: string;
}

export type Authenticate = (attempt: Attempt) => Promise<Authentication>;

export interface AuthenticateParts {
  readonly accounts: Accounts;
  readonly failures: AuthFailures;
  readonly log: Logger;
  readonly observe: (status: Authentication["status"]) => void;
}

/** Credentials are tried in their order; the first that is right counts. */
export function createAuthenticate(parts: AuthenticateParts): Authenticate {
  const busyLog = createBusyLog(parts.log);
  return async (attempt) => {
    const outcome = await authenticate(parts, attempt);
    if (outcome.status === "busy") busyLog.busy(attempt);
    if (outcome.status === "wrong") {
      busyLog.idle();
      countFailure(parts, attempt);
    }
    parts.observe(outcome.status);
    return outcome;
  };
}

/**
 * Tokens are tried even from a blocked address: nobody guesses 128 bits, and a neighbour behind the same address
 * must not lock a machine out. Passwords are not.
 */
async function authenticate(parts: AuthenticateParts, attempt: Attempt): Promise<Authentication> {
  const { accounts, failures } = parts;
  const { credentials, address } = attempt;
  if (credentials.length === 0) return { status: "missing" };
  const isBlocked = failures.isBlocked(address);
  let isBusy = false;
  for (const credential of credentials) {
    const user = credential.kind === "basic" ? credential.user : "";
    const machine = accounts.verifyToken(credential.secret);
    if (machine !== undefined) return { status: "ok", principal: machine, user };
    if (isBlocked || credential.kind === "token") continue;
    const person = await accounts.verifyBasic(user, credential.secret);
    if (person === "busy") isBusy = true;
    else if (person !== undefined) {
      failures.reset(address);
      return { status: "ok", principal: person, user };
    }
  }
  if (isBlocked) return { status: "blocked" };
  return { status: isBusy ? "busy" : "wrong" };
}

/** A flood is told once until the queue has moved, so that it does not fill the log too. */
function createBusyLog(log: Logger) {
  let isTold = false;
  return {
    busy({ address, path }: Attempt): void {
      if (!isTold) log.warn({ address, path }, "too many passwords to check: requests are put off");
      isTold = true;
    },
    idle(): void {
      isTold = false;
    },
  };
}

/** A name is logged only when it is a user's: people put their secret into the wrong field. */
function countFailure({ accounts, failures, log }: AuthenticateParts, attempt: Attempt): void {
  const { address, path } = attempt;
  const named = attempt.credentials.find(({ kind }) => kind === "basic");
  const known = named?.kind === "basic" && accounts.hasUser(named.user);
  const fields = { address, path, user: known ? named.user : "unknown" };
  log.warn({ ...fields, reason: "bad-credential" }, "wrong credentials");
  if (failures.count(address)) {
    log.warn({ address }, "too many wrong credentials: passwords from this address wait a minute");
  }
}
