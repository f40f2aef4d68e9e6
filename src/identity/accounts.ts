/**
 * Users with passwords and machine tokens, and what each may do. Two sources, kept apart: the configuration, which is
 * replaced as a whole, and the store. The configuration wins where both name a user.
 */
import type { Clock } from "../base/clock.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { Store } from "../store/store.ts";
import { formatName, type Name, parseName } from "../wire/name.ts";
import {
  type NewToken,
  type NewUser,
  readDocument,
  TokenDocument,
  type TokenListing,
  UserDocument,
  type UserListing,
  type UserText,
} from "./account-text.ts";
import { formatGrant, parseGrant } from "./grant-text.ts";
import { decoyHash, hashPassword, isPasswordHash, verifyPassword } from "./password.ts";
import { PasswordCache } from "./password-cache.ts";
import { PasswordQueue } from "./password-queue.ts";
import type { Principal } from "./principal.ts";
import { StoredDocuments } from "./stored-documents.ts";
import { equalDigests, makeToken, secretDigest, type Token, tokenId } from "./token.ts";

interface User {
  readonly principal: Principal;
  /** argon2id. */
  readonly hash?: string;
  /** SHA-256 of a plain token of the configuration. */
  readonly digest?: Uint8Array;
}

interface MachineToken {
  readonly principal: Principal;
  readonly digest: Uint8Array;
  readonly listing: TokenListing;
}

export interface AccountsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Accounts {
  readonly #userDocuments: StoredDocuments;
  readonly #tokenDocuments: StoredDocuments;
  readonly #clock: Clock;
  readonly #log: Logger;
  #configured: ReadonlyMap<string, User> = new Map();
  #stored = new Map<string, User>();
  #tokens = new Map<string, MachineToken>();
  /** Users of the configuration by their plain token; `undefined` where two share one. */
  #plainTokens: ReadonlyMap<string, User | undefined> = new Map();
  readonly #queue = new PasswordQueue();
  readonly #cache = new PasswordCache();
  /** Equal checks under way are one check. */
  readonly #checks = new Map<string, Promise<boolean | "busy">>();
  #decoy: string | undefined;

  constructor({ store, clock, log }: AccountsParts) {
    this.#userDocuments = new StoredDocuments(store, "user");
    this.#tokenDocuments = new StoredDocuments(store, "token");
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Reads the users of a configuration, who come in place of those of the one before when the returned function is
   * called. Throws `bad-credential` saying what is wrong with one.
   */
  prepareConfigured(texts: readonly UserText[]): () => void {
    const users = new Map(texts.map((text) => [text.name, parseUser(text)]));
    const plainTokens = indexPlainTokens(texts, users);
    const hashes = new Set([...users.values()].map(({ hash }) => hash));
    return () => {
      // While all hashes stay, everybody's password does: nobody has to be checked anew because of another change.
      const isLess = [...this.#configured.values()].some(({ hash }) => !hashes.has(hash));
      this.#configured = users;
      this.#plainTokens = plainTokens;
      if (isLess) this.#cache.clear();
      this.#chooseDecoy();
    };
  }

  replaceConfigured(texts: readonly UserText[]): void {
    this.prepareConfigured(texts)();
  }

  async load(): Promise<void> {
    await this.loadUsers();
    await this.loadTokens();
  }

  /** Reads the stored users, in place of those read before. One that cannot be read is reported and left as it is. */
  async loadUsers(): Promise<void> {
    const users = await this.#userDocuments.read();
    this.#stored = new Map();
    for (const { id, json } of users) this.#attempt("user", id, () => this.#takeUser(id, json));
    this.#cache.clear();
    this.#chooseDecoy();
  }

  /** The same for tokens. */
  async loadTokens(): Promise<void> {
    const tokens = await this.#tokenDocuments.read();
    this.#tokens = new Map();
    for (const { id, json } of tokens) this.#attempt("token", id, () => this.#takeToken(id, json));
  }

  hasUser(name: string): boolean {
    return this.#user(name) !== undefined;
  }

  #user(name: string): User | undefined {
    return this.#configured.get(name) ?? this.#stored.get(name);
  }

  /** The principal of a machine token, or of a configured user's plain token long enough to stand alone. */
  verifyToken(secret: string): Principal | undefined {
    return this.#tokenOwner(secret, secretDigest(secret));
  }

  #tokenOwner(secret: string, digest: Buffer): Principal | undefined {
    const id = tokenId(secret);
    const token = id === undefined ? undefined : this.#tokens.get(id);
    if (token !== undefined && equalDigests(token.digest, digest)) return token.principal;
    if (secret.length < Limits.tokenLength) return undefined;
    return this.#plainTokens.get(digest.toString("hex"))?.principal;
  }

  /**
   * The principal of Basic credentials: a token as the password under any user name, or a user and the
   * password. `"busy"`: too many passwords are being checked, ask again later.
   */
  async verifyBasic(name: string, secret: string): Promise<Principal | undefined | "busy"> {
    const digest = secretDigest(secret);
    const owner = this.#tokenOwner(secret, digest);
    if (owner !== undefined) return owner;
    const user = this.#user(name);
    if (user?.digest !== undefined && equalDigests(user.digest, digest)) {
      return user.principal;
    }
    const hash = user?.hash ?? this.#decoy;
    if (hash === undefined) return undefined;
    const verdict = await this.#verifyHash(hash, secret);
    if (verdict === "busy") return "busy";
    return verdict && user !== undefined ? user.principal : undefined;
  }

  listTokens(): readonly TokenListing[] {
    return [...this.#tokens.values()].map(({ listing }) => listing);
  }

  /** Stores a new token and uses it from now on; the secret is told here and never again. */
  async addToken(text: NewToken): Promise<Token> {
    let token = makeToken();
    while (this.#tokens.has(token.id)) token = makeToken();
    const document: TokenDocument = {
      version: 1,
      sha256: secretDigest(token.secret).toString("hex"),
      label: text.label ?? "",
      ...(text.host === undefined ? {} : { host: formatName(readHost(text.host)) }),
      grants: text.grants.map(parseGrant).map(formatGrant),
      created: new Date(this.#clock.nowMs()).toISOString(),
    };
    const json = JSON.stringify(document);
    await this.#tokenDocuments.write(token.id, json);
    this.#takeToken(token.id, json);
    return token;
  }

  /** False when there is no such token. */
  async revokeToken(id: string): Promise<boolean> {
    if (!this.#tokens.has(id)) return false;
    await this.#tokenDocuments.write(id, undefined);
    this.#tokens.delete(id);
    return true;
  }

  listUsers(): readonly UserListing[] {
    return [...new Map([...this.#stored, ...this.#configured])].map(([name, { principal }]) => ({
      name,
      grants: principal.grants.map(formatGrant),
      source: this.#configured.has(name) ? "configuration" : "store",
    }));
  }

  /** Stores a user, in place of a stored one of that name. */
  async putUser({ name, password, grants }: NewUser): Promise<void> {
    this.#refuseConfigured(name);
    if (name.includes(":") || name.trim() === "")
      throw badUser(name, "needs a name without a colon");
    const hash = await hashPassword(password);
    const parsed = grants.map(parseGrant).map(formatGrant);
    const json = JSON.stringify({
      version: 1,
      password: hash,
      grants: parsed,
    } satisfies UserDocument);
    await this.#userDocuments.write(name, json);
    this.#takeUser(name, json);
    this.#chooseDecoy();
  }

  /** False when there is no such stored user. */
  async removeUser(name: string): Promise<boolean> {
    this.#refuseConfigured(name);
    if (!this.#stored.has(name)) return false;
    await this.#userDocuments.write(name, undefined);
    this.#stored.delete(name);
    this.#chooseDecoy();
    return true;
  }

  #takeUser(name: string, json: string): void {
    const document = readDocument(UserDocument, json);
    if (!isPasswordHash(document.password)) {
      throw new WindhoverError(ErrorCode.storeFormat, "/password: not an argon2id hash");
    }
    const { grants, password } = document;
    this.#stored.set(name, { principal: userPrincipal(name, grants), hash: password });
  }

  #takeToken(id: string, json: string): void {
    const document = readDocument(TokenDocument, json);
    const principal: Principal = Object.freeze({
      actor: `token:${id}`,
      grants: document.grants.map(parseGrant),
      isOperator: false,
      ...(document.host === undefined ? {} : { host: readHost(document.host) }),
    });
    const { label, host, grants, created } = document;
    const listing = { id, label, ...(host === undefined ? {} : { host }), grants, created };
    this.#tokens.set(id, { principal, digest: Buffer.from(document.sha256, "hex"), listing });
  }

  #attempt(kind: "user" | "token", id: string, take: () => void): void {
    try {
      take();
    } catch (error) {
      const fields = { kind, id, problem: errorMessage(error) };
      this.#log.error(fields, `a stored ${kind} cannot be read and is not used`);
    }
  }

  /** Unknown users are checked like the first known one; where nobody has a password there is nothing to hide. */
  #chooseDecoy(): void {
    const users = [...this.#configured.values(), ...this.#stored.values()];
    const model = users.find(({ hash }) => hash !== undefined)?.hash;
    this.#decoy = model === undefined ? undefined : decoyHash(model);
  }

  #verifyHash(hash: string, secret: string): Promise<boolean | "busy"> | boolean {
    const entry = this.#cache.entry(hash, secret);
    if (this.#cache.has(entry)) return true;
    const running = this.#checks.get(entry);
    if (running !== undefined) return running;
    const check = this.#computeHash(hash, secret, entry).finally(() => this.#checks.delete(entry));
    this.#checks.set(entry, check);
    return check;
  }

  async #computeHash(hash: string, secret: string, entry: string): Promise<boolean | "busy"> {
    try {
      const verdict = await this.#queue.run(() => verifyPassword(hash, secret));
      if (verdict === true) this.#cache.add(entry);
      return verdict;
    } catch (error) {
      this.#log.error({ problem: errorMessage(error) }, "a password could not be checked");
      return "busy";
    }
  }

  #refuseConfigured(name: string): void {
    if (!this.#configured.has(name)) return;
    const message = `the user ${name} stands in the configuration file; change it there`;
    throw new WindhoverError(ErrorCode.forbidden, message);
  }
}

/** Throws `bad-credential` when no user can be made of it. */
export function checkUser(text: UserText): void {
  parseUser(text);
}

function parseUser({ name, password, token, grants }: UserText): User {
  if ((password === undefined) === (token === undefined)) {
    throw badUser(name, "needs either `password` (an argon2id hash) or `token`");
  }
  if (password !== undefined && !isPasswordHash(password)) {
    const advice = "has a password that is not an argon2id hash; `windhover token hash` makes one";
    throw badUser(name, advice);
  }
  return {
    principal: userPrincipal(name, grants),
    ...(password === undefined ? {} : { hash: password }),
    ...(token === undefined ? {} : { digest: secretDigest(token) }),
  };
}

/** By digest, those long enough to stand alone; `undefined` where two users share one. */
function indexPlainTokens(texts: readonly UserText[], users: ReadonlyMap<string, User>) {
  const index = new Map<string, User | undefined>();
  for (const { name, token } of texts) {
    if (token === undefined || token.length < Limits.tokenLength) continue;
    const key = secretDigest(token).toString("hex");
    index.set(key, index.has(key) ? undefined : users.get(name));
  }
  return index;
}

function userPrincipal(name: string, grants: UserText["grants"]): Principal {
  return Object.freeze({
    actor: `user:${name}`,
    grants: grants.map(parseGrant),
    isOperator: false,
  });
}

function readHost(text: string): Name {
  return parseName(text);
}

function badUser(name: string, problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badCredential, `user ${name} ${problem}`);
}
