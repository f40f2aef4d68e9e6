/** Arbitrary valid rdata of every RR type, generated from the type's own row of field kinds. */
import fc from "fast-check";
import { rdataNames } from "../src/wire/rdata.ts";
import { type FieldKind, typeFields } from "../src/wire/rr-types.ts";

type Octets = fc.Arbitrary<Uint8Array>;

function octets(minLength: number, maxLength = minLength): Octets {
  return fc.uint8Array({ minLength, maxLength });
}

function join(...parts: Octets[]): Octets {
  return fc.tuple(...parts).map((each) => new Uint8Array(Buffer.concat(each)));
}

function list(item: Octets, minLength: number, maxLength: number): Octets {
  return fc
    .array(item, { minLength, maxLength })
    .map((items) => new Uint8Array(Buffer.concat(items)));
}

function constant(...values: number[]): Octets {
  return fc.constant(Uint8Array.from(values));
}

function counted(value: Octets): Octets {
  return value.map((bytes) => Uint8Array.of(bytes.length, ...bytes));
}

const label = counted(octets(1, 12));
const name = list(label, 0, 5).map((labels) => Uint8Array.of(...labels, 0));
const string = counted(octets(0, 40));

function digest(lengths: Readonly<Record<number, number>>, before: Uint8Array, least = 1): Octets {
  const length = lengths[before.at(-1) as number];
  return length === undefined ? octets(least, 40) : octets(length);
}

function host(type: number): Octets {
  return [constant(), octets(4), octets(16), name][type] as Octets;
}

/** Ascending types as windows of bitmaps, made bit by bit: another way than the one under test. */
const typeBitmap = fc
  .uniqueArray(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
  .map((types) => {
    const windows = new Map<number, Uint8Array>();
    for (const type of types.sort((a, b) => a - b)) {
      const bitmap = windows.get(type >> 8) ?? new Uint8Array(32);
      bitmap[(type & 255) >> 3]! |= 128 >> (type & 7);
      windows.set(type >> 8, bitmap);
    }
    return Uint8Array.from(
      [...windows].flatMap(([window, bitmap]) => {
        const length = bitmap.findLastIndex((octet) => octet !== 0) + 1;
        return [window, length, ...bitmap.subarray(0, length)];
      }),
    );
  });

const svcValues: Readonly<Record<number, Octets>> = {
  1: list(counted(octets(1, 10)), 1, 4),
  3: octets(2),
  4: list(octets(4), 1, 3),
  5: octets(1, 40),
  6: list(octets(16), 1, 3),
  7: fc
    .stringMatching(/^\/[a-zé"\\]{0,9}\{[?&+#]dns\}/u)
    .map((path) => new Uint8Array(Buffer.from(path))),
  8: constant(),
};

/** Parameters in order, alpn before no-default-alpn, and some of what is there made mandatory. */
const svcParams: Octets = fc
  .uniqueArray(
    fc.oneof(fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8), fc.integer({ min: 9, max: 0xfffe })),
  )
  .chain((keys) => {
    const wanted = keys.includes(2) && !keys.includes(1) ? [...keys, 1] : keys;
    const sorted = [...wanted].sort((a, b) => a - b);
    const params = sorted.map((key) =>
      (key === 2 ? constant() : (svcValues[key] ?? octets(0, 20))).map((value) => ({ key, value })),
    );
    return fc.tuple(fc.tuple(...params), fc.subarray(sorted));
  })
  .map(([params, needed]) => {
    const mandatory = Uint8Array.from(needed.flatMap((key) => [key >> 8, key & 255]));
    const all = needed.length > 0 ? [{ key: 0, value: mandatory }, ...params] : params;
    return Uint8Array.from(
      all.flatMap(({ key, value }) => [
        key >> 8,
        key & 255,
        value.length >> 8,
        value.length & 255,
        ...value,
      ]),
    );
  });

/** An address without trailing zero octets, in a family that has a text or one that has none. */
const prefix: Octets = fc
  .tuple(fc.constantFrom(1, 2, 3), fc.boolean(), octets(0, 16), fc.integer({ min: 0, max: 32 }))
  .map(([family, isNegated, address, bits]) => {
    const kept = address.subarray(0, family === 1 ? 4 : 16);
    const trimmed = kept.subarray(0, kept.findLastIndex((octet) => octet !== 0) + 1);
    return Uint8Array.of(0, family, bits, (isNegated ? 128 : 0) | trimmed.length, ...trimmed);
  });

const precision = fc
  .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }))
  .map(([mantissa, exponent]) => Uint8Array.of((mantissa << 4) | exponent));

function angle(degrees: number): Octets {
  const reach = degrees * 3_600_000;
  return fc.integer({ min: -reach, max: reach }).map((distance) => {
    const wire = new Uint8Array(4);
    new DataView(wire.buffer).setUint32(0, 0x8000_0000 + distance);
    return wire;
  });
}

const a6 = fc.integer({ min: 0, max: 128 }).chain((bits) => {
  const suffix = octets(Math.ceil((128 - bits) / 8));
  return join(constant(bits), suffix, bits === 0 ? constant() : name);
});

const hostIdentity = fc
  .tuple(octets(1, 20), fc.integer({ min: 0, max: 255 }), octets(1, 40))
  .map(([hit, algorithm, key]) =>
    Uint8Array.of(hit.length, algorithm, 0, key.length, ...hit, ...key),
  );

const FIELDS: Readonly<Record<FieldKind, (before: Uint8Array) => Octets>> = {
  u8: () => octets(1),
  u16: () => octets(2),
  u32: () => octets(4),
  u64: () => octets(8),
  period: () => octets(4),
  time: () => octets(4),
  rrtype: () => octets(2),
  algorithm: () => octets(1),
  "digest-type": () => octets(1),
  "nsec3-hash": () => octets(1),
  "key-flags": () => octets(2),
  "key-protocol": () => octets(1),
  "certificate-type": () => fc.oneof(octets(2), constant(0, 1), constant(0, 254)),
  "dsync-scheme": () => fc.oneof(octets(1), constant(1)),
  "tlsa-usage": () => octets(1),
  "tlsa-selector": () => octets(1),
  "tlsa-matching": () => octets(1),
  ipv4: () => octets(4),
  ipv6: () =>
    fc.oneof(octets(16), list(fc.constantFrom(Uint8Array.of(0, 0), Uint8Array.of(1, 2)), 8, 8)),
  eui48: () => octets(6),
  eui64: () => octets(8),
  locator64: () => octets(8),
  "name-1035": () => name,
  "name-expanded": () => name,
  "name-lower": () => name,
  name: () => name,
  names: () => list(name, 0, 3),
  string: () => string,
  "optional-string": () => fc.oneof(constant(), string),
  strings: () => list(string, 1, 4),
  tag: () =>
    counted(
      fc.stringMatching(/^[0-9A-Za-z]{1,20}$/).map((text) => new Uint8Array(Buffer.from(text))),
    ),
  text: () => octets(0, 60),
  target: () => octets(1, 60),
  hex: () => octets(1, 60),
  base64: () => octets(1, 60),
  "optional-base64": () => octets(0, 60),
  "dashed-base64": () => octets(0, 60),
  "ds-digest": (before) => digest({ 1: 20, 2: 32, 3: 32, 4: 48 }, before),
  "sshfp-digest": (before) => digest({ 1: 20, 2: 32 }, before),
  "zonemd-digest": (before) => digest({ 1: 48, 2: 64 }, before, 12),
  salt: () => counted(octets(0, 20)),
  hash: () => counted(octets(1, 40)),
  types: () => typeBitmap,
  "nxt-types": () => octets(0, 20),
  "svc-params": () => svcParams,
  prefixes: () => list(prefix, 0, 4),
  location: () =>
    fc.oneof(
      join(constant(0), precision, precision, precision, angle(90), angle(180), octets(4)),
      join(constant(1), octets(0, 20)),
    ),
  nsap: () => octets(1, 30),
  "atm-address": () =>
    fc.oneof(
      join(constant(0), octets(1, 20)),
      fc.stringMatching(/^\d{1,15}$/).map((digits) => Uint8Array.of(1, ...Buffer.from(digits))),
      join(constant(2), octets(1, 20)),
    ),
  services: () => octets(1, 20),
  gateway: (before) => host(before[1] as number),
  relay: () =>
    fc
      .tuple(fc.boolean(), fc.integer({ min: 0, max: 3 }))
      .chain(([isDiscovered, type]) => join(constant((isDiscovered ? 128 : 0) | type), host(type))),
  "host-identity": () => hostIdentity,
  a6: () => a6,
};

/** Fields after one another, each knowing what stands before it. */
function fieldsArbitrary(rrtype: number, kinds: readonly FieldKind[]): Octets {
  let rdata: Octets = constant();
  for (const [at, kind] of kinds.entries()) {
    const isGatewayType = kinds[3] === "gateway" && at === 1;
    rdata = rdata.chain((before) => {
      const field = isGatewayType
        ? octets(1).map(([octet]) => Uint8Array.of(octet! & 3))
        : FIELDS[kind](before);
      return field.map((bytes) => Uint8Array.of(...before, ...bytes));
    });
  }
  return rdata.filter((wire) => rdataNames(rrtype, wire).every((each) => each.length <= 255));
}

/** Rdata that is valid on the wire, its names in any case. */
export function arbitraryRdata(rrtype: number): Octets {
  const kinds = typeFields(rrtype);
  return kinds === undefined ? octets(0, 60) : fieldsArbitrary(rrtype, kinds);
}
