/**
 * TSIG keys and what each may do. Two sources, kept apart: the configuration, which is replaced as a whole, and the
 * store, which `windhover key` changes. The configuration wins where both name a key.
 */
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { equalBytes } from "../base/bytes.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Store } from "../store/store.ts";
import { formatName, type Name, nameKey, parseName } from "../wire/name.ts";
import { parseTsigAlgorithm, type TsigKey } from "../wire/tsig.ts";
import { formatGrant, GrantText, parseGrant } from "./grant-text.ts";
import type { Grant, Principal } from "./principal.ts";
import { StoredDocuments } from "./stored-documents.ts";

export interface TsigCredential {
  readonly key: TsigKey;
  readonly principal: Principal;
  readonly source: "configuration" | "store";
}

/** A key as it stands in the configuration, in a stored document and in REST. */
export const KeyText = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    algorithm: Type.String({ minLength: 1 }),
    /** Base64. */
    secret: Type.String({ minLength: 1 }),
    grants: Type.Array(GrantText),
  },
  { additionalProperties: false },
);
export type KeyText = Static<typeof KeyText>;

/** Octets of a secret that cannot be found by trying: 128 bits. RFC 8945 §8 wants as many as the hash has. */
const SAFE_SECRET = 16;

export interface KeyringParts {
  readonly store: Store;
  readonly log: Logger;
}

export class Keyring {
  #configured: ReadonlyMap<string, TsigCredential> = new Map();
  #stored = new Map<string, TsigCredential>();
  readonly #documents: StoredDocuments;
  readonly #log: Logger;

  constructor({ store, log }: KeyringParts) {
    this.#documents = new StoredDocuments(store, "key");
    this.#log = log;
  }

  find(name: Name): TsigCredential | undefined {
    const key = nameKey(name);
    return this.#configured.get(key) ?? this.#stored.get(key);
  }

  list(): readonly TsigCredential[] {
    return [...new Map([...this.#stored, ...this.#configured]).values()];
  }

  /** Reads the stored keys, in place of those read before. One that cannot be read is reported and left as it is. */
  async load(): Promise<void> {
    const documents = await this.#documents.read();
    const before = this.#stored;
    this.#stored = new Map();
    for (const document of documents) {
      try {
        this.#takeStored(readDocument(document.json), before);
      } catch (error) {
        const fields = { key: document.id, problem: errorMessage(error) };
        this.#log.error(fields, "a stored TSIG key cannot be read and is not used");
      }
    }
  }

  /**
   * Reads the keys of a configuration, which come in place of those of the one before when the returned function is
   * called. Throws `bad-credential` saying what is wrong with one.
   */
  prepareConfigured(texts: readonly KeyText[]): () => void {
    const next = new Map<string, TsigCredential>();
    for (const text of texts) {
      const credential = parseKey(text, "configuration");
      next.set(nameKey(credential.key.name), credential);
    }
    return () => {
      const before = this.#configured;
      this.#configured = next;
      for (const [key, { key: taken }] of next) this.#warnOfWeakness(taken, before.get(key)?.key);
    };
  }

  replaceConfigured(texts: readonly KeyText[]): void {
    this.prepareConfigured(texts)();
  }

  /** Stores a key and uses it from now on. Throws `exists` when the name is taken. */
  async add(text: KeyText): Promise<TsigCredential> {
    const credential = parseKey(text, "store");
    if (this.find(credential.key.name) !== undefined) {
      const message = `there is a TSIG key ${formatName(credential.key.name)} already; remove it first`;
      throw new WindhoverError(ErrorCode.exists, message);
    }
    await this.#documents.write(documentId(credential.key.name), formatDocument(credential));
    this.#takeStored(credential, this.#stored);
    return credential;
  }

  /** False when there is no such stored key. */
  async remove(name: Name): Promise<boolean> {
    const found = this.find(name);
    if (found === undefined) return false;
    if (found.source === "configuration") {
      const message = `the TSIG key ${formatName(name)} stands in the configuration file; remove it there`;
      throw new WindhoverError(ErrorCode.forbidden, message);
    }
    await this.#documents.write(documentId(name), undefined);
    this.#stored.delete(nameKey(name));
    return true;
  }

  #takeStored(credential: TsigCredential, before: ReadonlyMap<string, TsigCredential>): void {
    const key = nameKey(credential.key.name);
    const known = before.get(key)?.key;
    this.#stored.set(key, credential);
    if (!this.#configured.has(key)) this.#warnOfWeakness(credential.key, known);
  }

  /** Once for each key that is new or another. */
  #warnOfWeakness({ name, algorithm, secret }: TsigKey, before: TsigKey | undefined): void {
    if (before?.algorithm === algorithm && equalBytes(before.secret, secret)) return;
    if (algorithm === "hmac-md5") {
      const advice =
        "this key uses hmac-md5, which is broken; use hmac-sha256 where the client can";
      this.#log.warn({ key: formatName(name) }, advice);
    }
    if (secret.length < SAFE_SECRET) {
      const advice = `this key has a secret of ${secret.length} octets; use ${SAFE_SECRET} or more, which nobody can guess`;
      this.#log.warn({ key: formatName(name) }, advice);
    }
  }
}

/** Throws `bad-credential` when no key can be made of it. */
export function checkKey(text: KeyText): void {
  parseKey(text, "configuration");
}

function parseKey(text: KeyText, source: TsigCredential["source"]): TsigCredential {
  const name = parseName(text.name);
  const algorithm = parseTsigAlgorithm(text.algorithm);
  if (algorithm === undefined) {
    throw badKey(text.name, `has an unknown algorithm "${text.algorithm}"; use hmac-sha256`);
  }
  const secret = parseSecret(text.secret);
  if (secret === undefined) throw badKey(text.name, "has a secret that is not base64");
  return {
    key: { name, algorithm, secret },
    principal: keyPrincipal(name, text.grants.map(parseGrant)),
    source,
  };
}

/** Octets, one at least: with none, anyone could sign. A lone last digit would be passed over, or be all there is. */
function parseSecret(text: string): Uint8Array | undefined {
  const digits = /^([A-Za-z0-9+/]+)={0,2}$/.exec(text)?.[1];
  if (digits === undefined || digits.length % 4 === 1) return undefined;
  return new Uint8Array(Buffer.from(digits, "base64"));
}

function keyPrincipal(name: Name, grants: readonly Grant[]): Principal {
  return { actor: `key:${formatName(name).replace(/\.$/, "")}`, grants, isOperator: false };
}

function documentId(name: Name): string {
  return formatName(name);
}

function formatDocument({ key, principal }: TsigCredential): string {
  const text: KeyText = {
    name: formatName(key.name),
    algorithm: key.algorithm,
    secret: Buffer.from(key.secret).toString("base64"),
    grants: principal.grants.map(formatGrant),
  };
  return JSON.stringify(text);
}

function readDocument(json: string): TsigCredential {
  const value: unknown = JSON.parse(json);
  if (!Value.Check(KeyText, value)) {
    const first = Value.Errors(KeyText, value).First();
    throw badKey(
      "",
      `does not have the shape of a key: ${first?.path ?? ""} ${first?.message ?? ""}`,
    );
  }
  return parseKey(value, "store");
}

function badKey(name: string, problem: string): WindhoverError {
  return new WindhoverError(
    ErrorCode.badCredential,
    `TSIG key ${name} ${problem}`.replace("  ", " "),
  );
}
