/**
 * NOTIFY to the secondaries that the configuration names (RFC 1996): after each change, and once at the start for
 * whatever was missed. Per secondary and zone at most one is on its way; changes meanwhile make one more after it,
 * with the SOA there is then. A secondary that does not answer is asked a few times, then again at the next change; one
 * that has a key is believed only when it signs.
 *
 *     changed ─► due ─► asking ─ answered ─► resting ─► idle      (due again if it changed meanwhile)
 *                 ▲        └─ silent, again and again ─► idle
 *                 └─ bounded number of `asking` in all
 */
import { randomInt } from "node:crypto";
import type { RemoteInfo } from "node:dgram";
import type { Clock } from "../base/clock.ts";
import { Limits } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { formatSocketAddress, isSameAddress, type SocketAddress } from "../base/socket-address.ts";
import { Class, Rcode, Type } from "../wire/code-points.ts";
import { equalNames, formatName, type Name, nameKey } from "../wire/name.ts";
import type { TsigKey } from "../wire/tsig.ts";
import type { RRset } from "../zone/rrset.ts";
import { soaSerial } from "../zone/soa.ts";
import {
  isBelievable,
  type NotifyMessage,
  readNotifyResponse,
  writeNotify,
} from "./notify-message.ts";
import { QuestionSockets } from "./question-sockets.ts";

/** A secondary, and the key that its NOTIFY is signed with. */
export interface NotifyTarget extends SocketAddress {
  readonly key?: Name | undefined;
}

export interface NotifiedZone {
  readonly origin: Name;
  readonly notify: readonly NotifyTarget[];
}

export interface NotifyLimits {
  readonly retryMs: number;
  readonly attempts: number;
  readonly intervalMs: number;
  readonly outstanding: number;
}

export interface NotifyParts {
  readonly zones: readonly NotifiedZone[];
  /** The SOA of a zone as it is published. */
  readonly soa: (origin: Name) => RRset | undefined;
  readonly findKey: (name: Name) => TsigKey | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits?: NotifyLimits;
}

const NOTIFY_LIMITS: NotifyLimits = {
  retryMs: Limits.notifyRetryMs,
  attempts: Limits.notifyAttempts,
  intervalMs: Limits.notifyIntervalMs,
  outstanding: Limits.notifyOutstanding,
};

/** One secondary of one zone. */
interface Secondary {
  readonly origin: Name;
  readonly target: NotifyTarget;
  state: "idle" | "due" | "asking" | "resting";
  /** The zone has changed since the last NOTIFY was written. */
  isBehind: boolean;
  id: number;
  serial: number;
  attempts: number;
  /** What it is asked, attempt after attempt. */
  message: NotifyMessage | undefined;
  /** Whether a response came that may be anybody's. */
  isDoubtful: boolean;
  timer: NodeJS.Timeout | undefined;
  /** What was told of it last, so that it is told once. */
  trouble: string;
}

export class NotifySender {
  readonly #parts: NotifyParts;
  readonly #limits: NotifyLimits;
  /** By zone. */
  #secondaries: ReadonlyMap<string, readonly Secondary[]> = new Map();
  readonly #due = new Set<Secondary>();
  readonly #asking = new Map<number, Secondary>();
  readonly #sockets: QuestionSockets;
  #state: "waiting" | "running" | "closed" = "waiting";

  constructor(parts: NotifyParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? NOTIFY_LIMITS;
    this.#sockets = new QuestionSockets({
      receive: (message, from) => this.#receive(message, from),
      log: parts.log,
    });
    this.replaceZones(parts.zones);
  }

  /** Notifies every secondary of every zone. Call it when questions about the zones can be answered. */
  start(): void {
    this.#state = "running";
    this.#notify([...this.#secondaries.values()].flat());
  }

  /**
   * Other zones and secondaries from now on: a secondary that was there goes on where it stands, a new one is notified,
   * one that is not named any more is left alone.
   */
  replaceZones(zones: readonly NotifiedZone[]): void {
    const before = new Set([...this.#secondaries.values()].flat());
    const fresh: Secondary[] = [];
    const keep = (origin: Name, target: NotifyTarget): Secondary => {
      const known = this.#secondaries
        .get(nameKey(origin))
        ?.find((each) => isTarget(each, target) && isSameKey(each.target, target));
      if (known !== undefined) before.delete(known);
      else fresh.push(newSecondary(origin, target));
      return known ?? (fresh.at(-1) as Secondary);
    };
    this.#secondaries = new Map(
      zones.map(({ origin, notify }) => [
        nameKey(origin),
        [...new Set(notify.map((target) => keep(origin, target)))],
      ]),
    );
    for (const gone of before) this.#forget(gone);
    this.#notify(fresh);
  }

  /** After a change of the zone is visible. Before `start` and after `close` it does nothing. */
  changed(origin: Name): void {
    this.#notify(this.#secondaries.get(nameKey(origin)) ?? []);
  }

  #notify(secondaries: readonly Secondary[]): void {
    if (this.#state !== "running") return;
    for (const secondary of secondaries) {
      secondary.isBehind = true;
      if (secondary.state === "idle") this.#makeDue(secondary);
    }
    this.#sendDue();
  }

  async close(): Promise<void> {
    this.#state = "closed";
    this.#due.clear();
    this.#asking.clear();
    for (const secondary of [...this.#secondaries.values()].flat()) clearTimeout(secondary.timer);
    await this.#sockets.close();
  }

  #forget(secondary: Secondary): void {
    clearTimeout(secondary.timer);
    this.#due.delete(secondary);
    this.#forgetId(secondary);
  }

  #makeDue(secondary: Secondary): void {
    secondary.state = "due";
    this.#due.add(secondary);
  }

  #sendDue(): void {
    for (const secondary of this.#due) {
      if (this.#asking.size >= this.#limits.outstanding) return;
      this.#due.delete(secondary);
      secondary.state = "asking";
      secondary.attempts = 0;
      this.#ask(secondary);
    }
  }

  /** So that a late answer to older news is none to these. */
  #renewId(secondary: Secondary): void {
    this.#forgetId(secondary);
    do secondary.id = randomInt(0x10000);
    while (this.#asking.has(secondary.id));
    this.#asking.set(secondary.id, secondary);
  }

  #forgetId(secondary: Secondary): void {
    if (this.#asking.get(secondary.id) === secondary) this.#asking.delete(secondary.id);
  }

  #ask(secondary: Secondary): void {
    const { origin, target } = secondary;
    const soa = this.#parts.soa(origin);
    secondary.isBehind = false;
    if (soa === undefined) {
      this.#rest(secondary, 0);
      return;
    }
    const key = target.key === undefined ? undefined : this.#parts.findKey(target.key);
    if (target.key !== undefined && key === undefined) {
      this.#tell(secondary, `wants NOTIFY with the key ${formatName(target.key)}: there is none`);
      this.#rest(secondary, 0);
      return;
    }
    if (secondary.attempts === 0 || secondary.serial !== soaSerial(soa)) {
      this.#renewId(secondary);
      secondary.message = writeNotify(secondary.id, soa, key, this.#nowSeconds());
      secondary.isDoubtful = false;
    }
    secondary.serial = soaSerial(soa);
    secondary.attempts += 1;
    const patience = this.#limits.retryMs * 2 ** (secondary.attempts - 1);
    secondary.timer = setTimeout(() => this.#askAgain(secondary), patience);
    this.#sockets.send((secondary.message as NotifyMessage).octets, target);
  }

  #askAgain(secondary: Secondary): void {
    if (secondary.attempts < this.#limits.attempts) this.#ask(secondary);
    else {
      const { isDoubtful } = secondary;
      this.#tell(secondary, isDoubtful ? UNSIGNED : "does not answer NOTIFY");
      this.#rest(secondary, 0);
    }
  }

  /** Only the one who was asked, answering just that, is listened to. */
  #receive(bytes: Uint8Array, from: RemoteInfo): void {
    const message = readNotifyResponse(bytes);
    const secondary = message === undefined ? undefined : this.#asking.get(message.id);
    if (message === undefined || secondary === undefined) return;
    const { origin } = secondary;
    const isAsked = isTarget(secondary, from);
    const question = message.questions[0];
    if (!isAsked || question === undefined || !equalNames(question.name, origin)) return;
    if (question.qtype !== Type.SOA || question.qclass !== Class.in) return;
    if (!isBelievable(bytes, secondary.message as NotifyMessage, this.#nowSeconds())) {
      secondary.isDoubtful = true;
      return;
    }
    if (message.rcode === Rcode.noError) this.#tell(secondary, "");
    else this.#tell(secondary, `answers NOTIFY with rcode ${message.rcode}`);
    this.#rest(secondary, this.#limits.intervalMs);
  }

  /** Ends what is on its way; the next may be sent after `ms`. */
  #rest(secondary: Secondary, ms: number): void {
    clearTimeout(secondary.timer);
    this.#forgetId(secondary);
    secondary.state = "resting";
    secondary.timer = setTimeout(() => this.#wake(secondary), ms);
  }

  #wake(secondary: Secondary): void {
    secondary.state = "idle";
    if (secondary.isBehind) this.#makeDue(secondary);
    this.#sendDue();
  }

  #nowSeconds(): number {
    return Math.floor(this.#parts.clock.nowMs() / 1000);
  }

  /** One line when trouble begins, changes or ends. */
  #tell(secondary: Secondary, trouble: string): void {
    if (secondary.trouble === trouble) return;
    const { origin, target, serial } = secondary;
    const fields = { zone: formatName(origin), secondary: formatSocketAddress(target), serial };
    if (trouble !== "") this.#parts.log.warn(fields, `secondary ${trouble}`);
    else this.#parts.log.info(fields, "secondary answers NOTIFY again");
    secondary.trouble = trouble;
  }
}

function isTarget({ target }: Secondary, { address, port }: SocketAddress): boolean {
  return isSameAddress(target.address, address) && target.port === port;
}

function isSameKey({ key: a }: NotifyTarget, { key: b }: NotifyTarget): boolean {
  return a === undefined || b === undefined ? a === b : equalNames(a, b);
}

const UNSIGNED = "answers NOTIFY without a good TSIG: does it have the same key, and the time?";

function newSecondary(origin: Name, target: NotifyTarget): Secondary {
  const none = { id: 0, serial: 0, attempts: 0, timer: undefined, trouble: "" };
  const unasked = { message: undefined, isDoubtful: false };
  return { origin, target, state: "idle", isBehind: false, ...none, ...unasked };
}
