/**
 * Counters that any thread may step without locks: each thread owns a row of cells in shared memory and is the
 * only writer of it; a reader adds the rows. A cell is a double, exact to 2^53.
 */
export const COUNTERS = [
  "queriesUdp",
  "queriesTcp",
  "queriesTls",
  "responsesNoError",
  "responsesNxDomain",
  "responsesRefused",
  "responsesFormErr",
  "responsesNotImp",
  "responsesServFail",
  "responsesNotAuth",
  "responsesOther",
  "responsesTruncated",
  "rateLimitDropped",
  "rateLimitSlipped",
  "ignored",
  "deferred",
  "dropped",
] as const;

export type CounterName = (typeof COUNTERS)[number];

/** Position of each counter in a row. */
export const Counter = Object.fromEntries(COUNTERS.map((name, at) => [name, at])) as Readonly<
  Record<CounterName, number>
>;

/** One thread's own cells: `cells[Counter.queriesUdp] += 1`. */
export type CounterRow = Float64Array;

export function createCounterMemory(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * COUNTERS.length * Float64Array.BYTES_PER_ELEMENT);
}

export function counterRow(memory: SharedArrayBuffer, thread: number): CounterRow {
  const bytes = COUNTERS.length * Float64Array.BYTES_PER_ELEMENT;
  return new Float64Array(memory, thread * bytes, COUNTERS.length);
}

/** The sum over all threads, counter by counter. */
export function readCounters(memory: SharedArrayBuffer): Readonly<Record<CounterName, number>> {
  const cells = new Float64Array(memory);
  const totals = Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Record<
    CounterName,
    number
  >;
  for (let cell = 0; cell < cells.length; cell++) {
    totals[COUNTERS[cell % COUNTERS.length] as CounterName] += cells[cell] as number;
  }
  return totals;
}
