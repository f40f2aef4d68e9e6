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

/**
 * Tokens are tried even from a blocked address: nobody guesses 128 bits, and a neighbour behind the same address
 * must not lock a machine out. Passwords are not.
 */
export function createAuthenticate(parts: AuthenticateParts): Authenticate {
  return async (attempt) => {
    const outcome = await authenticate(parts, attempt);
    parts.observe(outcome.status);
    return outcome;
  };
}

async function authenticate(parts: AuthenticateParts, attempt: Attempt): Promise<Authentication> {
  const { accounts, failures } = parts;
  if (attempt.credentials.length === 0) return { status: "missing" };
  const machine = findToken(accounts, attempt.credentials);
  if (machine !== undefined) return machine;
  if (failures.isBlocked(attempt.address)) return { status: "blocked" };
  for (const credential of attempt.credentials) {
    if (credential.kind === "token") continue;
    const { user, secret } = credential;
    const principal = await accounts.verifyBasic(user, secret);
    if (principal === "busy") return refuseBusy(parts, attempt);
    if (principal === undefined) continue;
    failures.reset(attempt.address);
    return { status: "ok", principal, user };
  }
  countFailure(parts, attempt);
  return { status: "wrong" };
}

function findToken(
  accounts: Accounts,
  credentials: readonly Credential[],
): Authentication | undefined {
  for (const credential of credentials) {
    const principal = accounts.verifyToken(credential.secret);
    if (principal === undefined) continue;
    return { status: "ok", principal, user: credential.kind === "basic" ? credential.user : "" };
  }
  return undefined;
}

function refuseBusy({ log }: AuthenticateParts, { address, path }: Attempt): Authentication {
  log.warn({ address, path, reason: "busy" }, "too many passwords to check: request put off");
  return { status: "busy" };
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
