/** Spans of seconds as zone files write them: plain seconds, or amounts with units as in BIND: `1h30m`, `2w`. */

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};

/** Seconds, or `undefined` when the text is no span of at most 2^32 − 1 seconds. */
export function parsePeriod(text: string): number | undefined {
  const seconds = /^\d{1,10}$/.test(text) ? Number(text) : parseUnits(text.toLowerCase());
  return seconds !== undefined && seconds <= 0xffff_ffff ? seconds : undefined;
}

function parseUnits(text: string): number | undefined {
  if (!/^(?:\d{1,10}[smhdw])+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)([smhdw])/g)) {
    seconds += Number(amount) * (UNIT_SECONDS[unit as string] as number);
  }
  return seconds;
}
