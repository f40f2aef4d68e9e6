/**
 * Zones that the store below cannot take commits of: it cannot read where they stand, or they stand elsewhere than the
 * log leads from. Each stands alone: what was acknowledged for it is kept in a file of its own, nothing of it is changed
 * or shown, and the others go on. At every open it is tried again; who removes the file gives those changes up.
 */
import { concatBytes } from "../base/bytes.ts";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { type Name, nameKey } from "../wire/name.ts";
import type { AsideFiles } from "./aside-files.ts";
import { readLogRecords, writeCommitRecord } from "./commit-record.ts";
import type { WrittenCommit } from "./written-commit.ts";

interface Aside {
  readonly commits: readonly WrittenCommit[];
  readonly problem: WindhoverError;
}

export class SetAside {
  readonly #files: AsideFiles;
  readonly #zones = new Map<string, Aside>();

  constructor(files: AsideFiles) {
    this.#files = files;
  }

  /** What is in the files: commits of one zone each, in order. */
  async read(): Promise<readonly (readonly WrittenCommit[])[]> {
    const files = await this.#files.readAll();
    return files.map(({ place, payload }) => {
      const records = readLogRecords(payload, place);
      return records.flatMap((record) => (record.kind === "commit" ? [record.commit] : []));
    });
  }

  /** Keeps commits of one zone, behind those that are kept of it already. Durable when it resolves. */
  async add(commits: readonly WrittenCommit[], error: unknown): Promise<void> {
    const [{ origin }] = commits as [WrittenCommit];
    const known = this.#zones.get(nameKey(origin));
    const kept = [...(known?.commits ?? []), ...commits];
    const problem = known?.problem ?? this.#describe(origin, error);
    await this.#files.write(origin, concatBytes(kept.map(writeCommitRecord)));
    this.#zones.set(nameKey(origin), { commits: kept, problem });
  }

  /** They are done below. */
  forget(origin: Name): Promise<void> {
    return this.#files.remove(origin);
  }

  /** Throws why nothing can be done with the zone, if it is set aside. */
  check(origin: Name): void {
    const problem = this.#zones.get(nameKey(origin))?.problem;
    if (problem !== undefined) throw problem;
  }

  /** Those of them that the store below does not know. */
  origins(known: readonly Name[]): readonly Name[] {
    const there = new Set(known.map(nameKey));
    const all = [...this.#zones.values()].map(
      ({ commits }) => (commits[0] as WrittenCommit).origin,
    );
    return all.filter((origin) => !there.has(nameKey(origin)));
  }

  #describe(origin: Name, error: unknown): WindhoverError {
    const kept =
      `what was acknowledged is kept in ${this.#files.place(origin)} and tried again at every start; ` +
      "remove that file to give it up";
    return new WindhoverError(ErrorCode.storeFormat, `${errorMessage(error)}; ${kept}`);
  }
}

/** Of a zone's value alone, and not of the store as a whole. */
export function isOfZone(error: unknown): error is WindhoverError {
  return error instanceof WindhoverError && error.code === ErrorCode.storeFormat;
}
