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

export class CertificateFiles {
  readonly #parts: CertificateParts;
  readonly #listeners: ((pair: CertificatePair) => void)[] = [];
  #pair: CertificatePair;
  /** What the files looked like when they were read last, good or bad. */
  #seen: string;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  private constructor(parts: CertificateParts, pair: CertificatePair, seen: string) {
    this.#parts = parts;
    this.#pair = pair;
    this.#seen = seen;
  }

  /** Throws `bad-config` naming the file and what is wrong with it. */
  static async open(parts: CertificateParts): Promise<CertificateFiles> {
    const seen = await lookOf(parts.paths);
    const files = new CertificateFiles(parts, await readPair(parts.paths), seen);
    files.#tell("the certificate is in use");
    return files;
  }

  get pair(): CertificatePair {
    return this.#pair;
  }

  /** Looks at the files from now on, and calls `onChange` with each new pair. */
  watch(onChange: (pair: CertificatePair) => void): void {
    this.#listeners.push(onChange);
    // Polled: a renewal swaps a symbolic link as often as a file, and a watch on the old one sees neither.
    this.#timer ??= setInterval(() => void this.look(), Limits.certificatePollMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#listeners.length = 0;
  }

  /** Reads the files if they have changed. Never rejects. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const seen = await lookOf(this.#parts.paths);
      if (seen === this.#seen) return;
      this.#seen = seen;
      this.#pair = await readPair(this.#parts.paths);
      this.#tell("the certificate has changed and the new one is in use");
      for (const listener of this.#listeners) listener(this.#pair);
    } catch (error) {
      const fields = { problem: errorMessage(error) };
      this.#parts.log.error(fields, "the new certificate cannot be used; the old one stays");
    } finally {
      this.#isLooking = false;
    }
  }

  #tell(message: string): void {
    const { log, clock, paths } = this.#parts;
    const { subjectAltName, subject, validTo } = new X509Certificate(this.#pair.cert);
    const fields = { certificate: paths.certificate, names: subjectAltName ?? subject, validTo };
    log.info(fields, message);
    if (Date.parse(validTo) < clock.nowMs()) log.warn(fields, "the certificate has expired");
  }
}

/** Changes whenever a file does, or what a link on its path leads to; where there is none, whenever one comes. */
async function lookOf({ certificate, key }: CertificatePaths): Promise<string> {
  const looks = [certificate, key].map(async (path) => {
    try {
      const { ino, mtimeMs, size } = await stat(path);
      return `${ino} ${mtimeMs} ${size}`;
    } catch (error) {
      return errorMessage(error);
    }
  });
  return (await Promise.all(looks)).join(" ");
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
