/**
 * A Prometheus counter of what happens thousands of times a second: counted in a map of our own and told to the
 * registry when it is read, because prom-client sorts and joins the labels of every increment.
 */
import { Counter, type Registry } from "prom-client";

export interface EventCounterParts<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  readonly registers: Registry[];
}

export class EventCounter<Label extends string> {
  /** By the values of the labels, one to a line. */
  readonly #counts = new Map<string, number>();

  constructor({ name, help, labelNames, registers }: EventCounterParts<Label>) {
    const counts = this.#counts;
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers,
      collect() {
        this.reset();
        for (const [key, count] of counts) this.labels(...key.split("\n")).inc(count);
      },
    });
  }

  /** `values` in the order of the labels; none of them has a line break. */
  count(...values: readonly string[]): void {
    const key = values.join("\n");
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}
