/**
 * The certificate and the private key of a TLS listener, as files that somebody renews: read at start, and again when
 * they change. What cannot be used is told, and the old pair stays.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { WatchedFiles } from "./watched-files.ts";

export interface CertificatePaths {
  /** The certificate, then those it was signed with, in PEM. */
  readonly certificate: string;
  readonly key: string;
}

/** A pair that belongs together. */
export interface CertificatePair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface CertificateParts {
  readonly paths: CertificatePaths;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The files in use, and the pair they held last that was good. */
interface Source {
  readonly paths: CertificatePaths;
  readonly watched: WatchedFiles;
  pair: CertificatePair;
}

export class CertificateFiles {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #listeners: ((pair: CertificatePair) => void)[] = [];
  #source: Source | undefined;

  private constructor({ clock, log }: CertificateParts) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Throws `bad-config` naming the file and what is wrong with it. */
  static async open(parts: CertificateParts): Promise<CertificateFiles> {
    const files = new CertificateFiles(parts);
    (await files.prepare(parts.paths))();
    return files;
  }

  get pair(): CertificatePair {
    return (this.#source as Source).pair;
  }

  /** Reads these files, which come in place of those before when the returned function is called. Throws as `open`. */
  async prepare(paths: CertificatePaths): Promise<() => void> {
    const watched = await WatchedFiles.open({
      paths: [paths.certificate, paths.key],
      everyMs: Limits.certificatePollMs,
      onChange: () => this.#readAgain(source),
    });
    const source: Source = { paths, watched, pair: await readPair(paths) };
    return () => this.#use(source);
  }

  /** Looks at the files from now on, and calls `onChange` with each new pair. */
  watch(onChange: (pair: CertificatePair) => void): void {
    this.#listeners.push(onChange);
    this.#source?.watched.start();
  }

  close(): void {
    this.#source?.watched.close();
    this.#listeners.length = 0;
  }

  /** Reads the files if they have changed since two looks ago. Never rejects. */
  async look(): Promise<void> {
    await this.#source?.watched.look();
  }

  #use(source: Source): void {
    const before = this.#source;
    before?.watched.close();
    this.#source = source;
    if (before === undefined) {
      this.#tell("the certificate is in use");
      return;
    }
    source.watched.start();
    if (!isSamePair(before.pair, source.pair)) this.#renew();
  }

  async #readAgain(source: Source): Promise<void> {
    try {
      source.pair = await readPair(source.paths);
      if (source === this.#source) this.#renew();
    } catch (error) {
      const fields = { problem: errorMessage(error) };
      this.#log.error(fields, "the new certificate cannot be used; the old one stays");
    }
  }

  #renew(): void {
    this.#tell("the certificate has changed and the new one is in use");
    for (const listener of this.#listeners) listener(this.pair);
  }

  #tell(message: string): void {
    const { paths, pair } = this.#source as Source;
    const { subjectAltName, subject, validTo } = new X509Certificate(pair.cert);
    const fields = { certificate: paths.certificate, names: subjectAltName ?? subject, validTo };
    this.#log.info(fields, message);
    if (Date.parse(validTo) < this.#clock.nowMs()) {
      this.#log.warn(fields, "the certificate has expired");
    }
  }
}

function isSamePair(one: CertificatePair, other: CertificatePair): boolean {
  return one.cert.equals(other.cert) && one.key.equals(other.key);
}

async function readPair(paths: CertificatePaths): Promise<CertificatePair> {
  const cert = await readBounded(paths.certificate);
  const key = await readBounded(paths.key);
  const certificate = parse(paths.certificate, "a certificate", () => new X509Certificate(cert));
  const privateKey = parse(paths.key, "a private key without passphrase", () =>
    createPrivateKey(key),
  );
  if (certificate.checkPrivateKey(privateKey)) return { cert, key };
  throw badFile(paths.key, `is not the key of the certificate in ${paths.certificate}`);
}

async function readBounded(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size <= Limits.certificateBytes) return await readFile(path);
  } catch (error) {
    throw badFile(path, `cannot be read: ${errorMessage(error)}`);
  }
  throw badFile(path, `has more than ${Limits.certificateBytes} octets`);
}

function parse<T>(path: string, what: string, parsed: () => T): T {
  try {
    return parsed();
  } catch (error) {
    throw badFile(path, `does not begin with ${what} in PEM: ${errorMessage(error)}`);
  }
}

function badFile(path: string, problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badConfig, `${path} ${problem}`);
}
