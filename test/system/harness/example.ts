/** The zone, keys and users that most system tests start from. */

export const ORIGIN = "dyn.example.com";

export const ZONE = `$ORIGIN dyn.example.com.
$TTL 300
@        IN SOA  ns1 hostmaster 1 3600 600 86400 60
@        IN NS   ns1
ns1      IN A    127.0.0.1
home  60 IN A    192.0.2.1
mail     IN MX   10 home
*.wild   IN TXT  "any name"
www      IN CNAME home
`;

export const SECRET = "c2VjcmV0IGZvciB0aGUgdGVzdHMgb2Ygd2luZGhvdmVyLg==";

export const ALGORITHMS = [
  "hmac-sha1",
  "hmac-sha224",
  "hmac-sha256",
  "hmac-sha384",
  "hmac-sha512",
  "hmac-md5",
] as const;

/** A key for each algorithm, each allowed the whole zone; `router` may change one host; `reader` may change nothing. */
const KEYS = [
  ...ALGORITHMS.map((algorithm) => ({
    name: algorithm.replace("hmac-", "key-"),
    algorithm,
    secret: SECRET,
    grants: [{ allow: ["update", "transfer"], zone: ORIGIN }],
  })),
  {
    name: "router",
    algorithm: "hmac-sha256",
    secret: SECRET,
    grants: [{ allow: ["update"], name: `home.${ORIGIN}`, types: ["A", "AAAA"] }],
  },
];

const USERS = [
  {
    name: "alice",
    token: "alices-secret",
    grants: [
      { allow: ["update"], name: `home.${ORIGIN}`, types: ["A", "AAAA"] },
      { allow: ["update"], name: `nas.${ORIGIN}`, types: ["A", "AAAA"] },
      { allow: ["update"], name: `*.alice.${ORIGIN}`, types: ["A", "AAAA", "TXT"] },
    ],
  },
];

export const EXAMPLE = {
  config: { zones: [{ origin: ORIGIN, file: "dyn.zone" }], keys: KEYS, users: USERS },
  files: { "dyn.zone": ZONE },
};
