/**
 * Names for points of a zone's history. They are documents of the store, read each time they are asked for, so that
 * every server on it knows them at once. A label does not keep the journal from being trimmed.
 */
import { type Static, Type } from "@sinclair/typebox";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { readDocument } from "../identity/account-text.ts";
import type { Store } from "../store/store.ts";
import { formatName, type Name } from "../wire/name.ts";
import { type FoundPoint, isLabelName } from "./zone-point.ts";

/** Document of kind `label`; its id is the zone's origin, a slash and the label. */
const LabelDocument = Type.Object({
  version: Type.Literal(1),
  sequence: Type.Integer({ minimum: 1 }),
  serial: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }),
  /** When the zone came to stand there, if that was known. */
  timeMs: Type.Optional(Type.Integer()),
  madeMs: Type.Integer(),
});
type LabelDocument = Static<typeof LabelDocument>;

export interface ZoneLabel extends FoundPoint {
  readonly label: string;
  /** When it was given. */
  readonly madeMs: number;
}

export class ZoneLabels {
  readonly #store: Store;
  readonly #log: Logger;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** By the points they name, oldest first. A label that cannot be read is told in the log and left alone. */
  async list(origin: Name): Promise<readonly ZoneLabel[]> {
    const labels: ZoneLabel[] = [];
    for (const { label, json } of await this.#documents(origin)) {
      try {
        labels.push(labelOf(label, readDocument(LabelDocument, json)));
      } catch (error) {
        const fields = { zone: formatName(origin), label, problem: errorMessage(error) };
        this.#log.error(fields, "a label cannot be read");
      }
    }
    return labels.sort((a, b) => a.sequence - b.sequence || (a.label < b.label ? -1 : 1));
  }

  async find(origin: Name, label: string): Promise<ZoneLabel | undefined> {
    return (await this.list(origin)).find((each) => each.label === label);
  }

  /** Throws `bad-request`, `exists` or `limit`. */
  async add(origin: Name, label: string, point: FoundPoint, madeMs: number): Promise<ZoneLabel> {
    if (!isLabelName(label)) {
      const form =
        "1 to 63 letters, digits, dots, dashes and underscores, a letter first, not `now`";
      throw new WindhoverError(ErrorCode.badRequest, `a label has ${form}; "${label}" has not`);
    }
    const known = await this.#documents(origin);
    if (known.some((each) => each.label === label)) {
      const message = `${formatName(origin)} has a label ${label} already; remove it first`;
      throw new WindhoverError(ErrorCode.exists, message);
    }
    if (known.length >= Limits.zoneLabels) {
      const message = `${formatName(origin)} has ${Limits.zoneLabels} labels; remove one first`;
      throw new WindhoverError(ErrorCode.limit, message);
    }
    const { serial, sequence, timeMs } = point;
    const at = timeMs === undefined ? {} : { timeMs };
    const document: LabelDocument = { version: 1, sequence, serial, ...at, madeMs };
    await this.#write(origin, label, JSON.stringify(document));
    return labelOf(label, document);
  }

  /** False when there was none. One that cannot be read is removed as well. */
  async remove(origin: Name, label: string): Promise<boolean> {
    const known = await this.#documents(origin);
    if (!known.some((each) => each.label === label)) return false;
    await this.#write(origin, label, undefined);
    return true;
  }

  /** With a zone its labels end. Those that stay, because the store fails, are of no history that comes after. */
  async removeAll(origin: Name): Promise<void> {
    try {
      for (const { label } of await this.#documents(origin)) {
        await this.#write(origin, label, undefined);
      }
    } catch (error) {
      const fields = { zone: formatName(origin), problem: errorMessage(error) };
      this.#log.warn(fields, "labels of a deleted zone are left in the store");
    }
  }

  async #documents(origin: Name): Promise<readonly { label: string; json: string }[]> {
    const prefix = documentId(origin, "");
    return (await this.#store.readDocuments("label"))
      .filter(({ id }) => id.startsWith(prefix))
      .map(({ id, json }) => ({ label: id.slice(prefix.length), json }))
      .filter(({ label }) => isLabelName(label));
  }

  #write(origin: Name, label: string, json: string | undefined): Promise<void> {
    return this.#store.writeDocument("label", documentId(origin, label), json);
  }
}

/** A label holds no slash, so that the origin ends where the last one stands. */
function documentId(origin: Name, label: string): string {
  return `${formatName(origin)}/${label}`;
}

function labelOf(label: string, document: LabelDocument): ZoneLabel {
  const { sequence, serial, timeMs, madeMs } = document;
  return { label, sequence, serial, timeMs, madeMs };
}
