/** What each field kind of the RR type table does. */
import type { Field } from "../rdata-field.ts";
import type { FieldKind } from "../rr-types.ts";
import { eui48, eui64, ipv4, ipv6, locator64 } from "./address.ts";
import { atmAddress } from "./atm-address.ts";
import {
  base64,
  dashedBase64,
  dsDigest,
  hash,
  hex,
  nsap,
  optionalBase64,
  salt,
  sshfpDigest,
  zonemdDigest,
} from "./binary.ts";
import { gateway, hostIdentity, relay } from "./gateway.ts";
import { location } from "./location.ts";
import {
  algorithm,
  certificateType,
  digestType,
  dsyncScheme,
  keyFlags,
  keyProtocol,
  nsec3Hash,
  tlsaMatching,
  tlsaSelector,
  tlsaUsage,
} from "./mnemonic.ts";
import { a6, name, name1035, nameExpanded, nameLower, names } from "./name.ts";
import { period, rrtype, time, u8, u16, u32, u64 } from "./number.ts";
import { prefixes } from "./prefixes.ts";
import { services } from "./services.ts";
import { optionalString, string, strings, tag, target, text } from "./string.ts";
import { svcParams } from "./svc-params.ts";
import { nxtTypes, types } from "./type-bitmap.ts";

export const FIELDS: Readonly<Record<FieldKind, Field>> = {
  u8,
  u16,
  u32,
  u64,
  period,
  time,
  rrtype,
  algorithm,
  "digest-type": digestType,
  "nsec3-hash": nsec3Hash,
  "key-flags": keyFlags,
  "key-protocol": keyProtocol,
  "certificate-type": certificateType,
  "dsync-scheme": dsyncScheme,
  "tlsa-usage": tlsaUsage,
  "tlsa-selector": tlsaSelector,
  "tlsa-matching": tlsaMatching,
  ipv4,
  ipv6,
  eui48,
  eui64,
  locator64,
  "name-1035": name1035,
  "name-expanded": nameExpanded,
  "name-lower": nameLower,
  name,
  names,
  string,
  "optional-string": optionalString,
  strings,
  tag,
  text,
  target,
  hex,
  base64,
  "optional-base64": optionalBase64,
  "dashed-base64": dashedBase64,
  "ds-digest": dsDigest,
  "sshfp-digest": sshfpDigest,
  "zonemd-digest": zonemdDigest,
  salt,
  hash,
  types,
  "nxt-types": nxtTypes,
  "svc-params": svcParams,
  prefixes,
  location,
  nsap,
  "atm-address": atmAddress,
  services,
  gateway,
  relay,
  "host-identity": hostIdentity,
  a6,
};
