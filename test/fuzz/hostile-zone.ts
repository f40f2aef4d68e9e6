/** The zone that fuzzed messages are put to: every kind of node, and RRsets too large for a datagram. */
import type { Grant, Principal } from "../../src/identity/principal.ts";
import { type Name, parseName } from "../../src/wire/name.ts";
import type { TsigKey } from "../../src/wire/tsig.ts";
import { makeRRset, type RRset } from "../../src/zone/rrset.ts";
import { parseZoneFile } from "../../src/zone/zone-file.ts";
import { ZoneMap } from "../../src/zone/zone-map.ts";

export const ORIGIN: Name = parseName("dyn.example.com");

const LONG = "x".repeat(100);
const texts = Array.from({ length: 40 }, (_, index) => `many IN TXT "${index}${LONG}"`);

export const ZONE_TEXT: string = `$ORIGIN dyn.example.com.
$TTL 300
@        IN SOA   ns1 hostmaster 1 3600 600 86400 60
@        IN NS    ns1
@        IN NS    ns2.example.net.
@        IN MX    10 home
ns1      IN A     127.0.0.1
home  60 IN A     192.0.2.1
home  60 IN AAAA  2001:db8::1
mail     IN MX    10 home
www      IN CNAME home
loop1    IN CNAME loop2
loop2    IN CNAME loop1
*.wild   IN TXT   "any name"
*.alias  IN CNAME home
old      IN DNAME new
a.new    IN A     192.0.2.2
sub      IN NS    ns.sub
sub      IN DS    1 8 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
ns.sub   IN A     192.0.2.53
a.b.c.deep IN TXT "below empty non-terminals"
_sip._tcp IN SRV  1 2 5060 home
svc      IN HTTPS 1 home alpn=h2
${texts.join("\n")}
`;

export function hostileZone(): RRset[] {
  const records = parseZoneFile({
    chunks: [Buffer.from(ZONE_TEXT)],
    file: "hostile",
    origin: ORIGIN,
  });
  const zone = new ZoneMap(ORIGIN, []);
  for (const { owner, rrtype, ttl, rdata } of records) {
    const before = zone.rrset(owner, rrtype)?.rdatas ?? [];
    zone.set({ owner, rrtype, rrset: makeRRset(owner, rrtype, ttl, [...before, rdata]) });
  }
  return [...zone.owners()].flatMap((owner) => zone.rrsets(owner));
}

/** The key of signed seeds: whoever has it may change the whole zone. */
export const FUZZ_SECRET = "ZnV6emVkIGZ1enplZCBmdXp6ZWQgZnV6emVkIGZ1eno=";
export const FUZZ_KEY: TsigKey = {
  name: parseName("fuzz-key"),
  algorithm: "hmac-sha256",
  secret: new Uint8Array(Buffer.from(FUZZ_SECRET, "base64")),
};

const WHOLE_ZONE: Grant = { allow: ["update", "transfer"], zone: ORIGIN };
export const ZONE_OWNER: Principal = { actor: "key:fuzz", grants: [WHOLE_ZONE], isOperator: false };

/** What every clock of the fuzzers shows, and when golden packets of ours are signed. */
export const NOW_SECONDS = 1_800_000_000;
