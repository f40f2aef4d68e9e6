/** Octets that count how often one of them is read: time in steps, which no machine makes longer. */

export interface CountedOctets {
  readonly octets: Uint8Array;
  readonly reads: () => number;
}

/** Copies of a range count as one read for each octet of it. */
export function countReads(input: Uint8Array): CountedOctets {
  let reads = 0;
  const octets = new Proxy(input, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof key === "string" && /^\d+$/.test(key)) reads++;
      if (typeof value !== "function") return value;
      return (...args: number[]) => {
        const part: unknown = value.apply(target, args);
        if (part instanceof Uint8Array) reads += part.length;
        return part;
      };
    },
  });
  return { octets, reads: () => reads };
}
