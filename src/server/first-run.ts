/**
 * Nothing configured and nothing stored: an example zone with one host, a token and a key that may change it, and the
 * three commands that show it working. The secrets are told here and never again.
 */
import { randomBytes } from "node:crypto";
import { formatSocketAddress, type SocketAddress } from "../base/socket-address.ts";
import type { Accounts } from "../identity/accounts.ts";
import type { Keyring } from "../identity/keyring.ts";
import type { Principal } from "../identity/principal.ts";
import type { ZoneEngine } from "../update/update-engine.ts";
import { parseName } from "../wire/name.ts";
import { readCheckedZone } from "../zone/checked-zone.ts";

const ORIGIN = "dyn.example.com";
const HOST = `home.${ORIGIN}`;
const KEY = "example";

const ZONE = `@    3600 IN SOA ns1 hostmaster 1 3600 600 604800 60
@    3600 IN NS  ns1
ns1  3600 IN A   127.0.0.1
home   60 IN A   192.0.2.1
`;

const CONFIGURATION: Principal = { actor: "local", grants: [], isOperator: true };

export interface FirstRunParts {
  readonly engine: ZoneEngine;
  readonly keyring: Keyring;
  readonly accounts: Accounts;
}

export interface Doors {
  readonly dns: SocketAddress;
  readonly http: SocketAddress | undefined;
}

/** Makes the example and returns what to print. */
export async function makeExample(parts: FirstRunParts, doors: Doors): Promise<readonly string[]> {
  const origin = parseName(ORIGIN);
  const source = { chunks: [new TextEncoder().encode(ZONE)], file: "example", origin };
  const intent = { origin, principal: CONFIGURATION, door: "config", address: "" } as const;
  await parts.engine.createZone(
    intent,
    readCheckedZone(source, () => {}),
  );
  const grants = [{ allow: ["update" as const], name: HOST, types: ["A", "AAAA"] }];
  const token = await parts.accounts.addToken({ label: "example", grants });
  const secret = randomBytes(32).toString("base64");
  await parts.keyring.add({ name: KEY, algorithm: "hmac-sha256", secret, grants });
  return describe(doors, token.secret, secret);
}

function describe({ dns, http }: Doors, token: string, secret: string): string[] {
  const server = `@${dns.address} -p ${dns.port}`;
  const update = `update delete ${HOST} A\\nupdate add ${HOST} 60 A 192.0.2.3`;
  const script = `server ${dns.address} ${dns.port}\\nzone ${ORIGIN}\\n${update}\\nsend\\n`;
  const curl =
    http === undefined
      ? []
      : [
          `  curl -su none:${token} 'http://${formatSocketAddress(http)}/nic/update?hostname=${HOST}&myip=192.0.2.2'`,
        ];
  return [
    "",
    `Nothing is configured, so here is an example: zone ${ORIGIN} with host ${HOST}.`,
    "Ask for it, change it as a router would, change it as nsupdate does:",
    "",
    `  dig ${server} +short ${HOST} A`,
    ...curl,
    `  printf '${script}' | nsupdate -y hmac-sha256:${KEY}:${secret}`,
    "",
    "Token and key are shown this once; `windhover token` and `windhover key` make others.",
    "For zones of your own: `windhover zone import ORIGIN FILE`, or a windhover.yaml.",
    "",
  ];
}
