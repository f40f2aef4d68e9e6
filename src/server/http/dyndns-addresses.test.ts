import { describe, expect, test } from "vitest";
import { Limits } from "../../base/limits.ts";
import { readAddresses } from "./dyndns-addresses.ts";
import { readParameters } from "./request-parameters.ts";

async function wanted(query: string, source = "203.0.113.9") {
  const parameters = await readParameters({ query, body: new Uint8Array(), contentType: "" });
  const addresses = readAddresses(parameters, source);
  if (typeof addresses === "string") return addresses;
  const { A, AAAA } = addresses;
  const texts = (all: typeof A) => all?.map(({ text }) => text);
  return { ...(A && { A: texts(A) }), ...(AAAA && { AAAA: texts(AAAA) }) };
}

describe("the value decides the family in", () => {
  test.each(["myip", "ip", "address", "dnsto"])("%s", async (name) => {
    expect(await wanted(`${name}=192.0.2.1`)).toEqual({ A: ["192.0.2.1"] });
    expect(await wanted(`${name}=2001:db8::1`)).toEqual({ AAAA: ["2001:db8::1"] });
    expect(await wanted(`${name}=2001:db8::1,192.0.2.1`)).toEqual({
      A: ["192.0.2.1"],
      AAAA: ["2001:db8::1"],
    });
  });
});

describe("the name decides the family in", () => {
  test.each(["myipv6", "ipv6", "myip6", "ip6", "myip2"])("%s", async (name) => {
    expect(await wanted(`${name}=2001:db8::1`)).toEqual({ AAAA: ["2001:db8::1"] });
    expect(await wanted(`${name}=192.0.2.1`)).toBe("dnserr");
  });
  test.each(["myipv4", "ipv4", "ip4"])("%s", async (name) => {
    expect(await wanted(`${name}=192.0.2.1`)).toEqual({ A: ["192.0.2.1"] });
    expect(await wanted(`${name}=2001:db8::1`)).toBe("dnserr");
  });
});

test.each([
  ["myip=192.0.2.1&myipv4=192.0.2.2", { A: ["192.0.2.2"] }],
  ["myip=192.0.2.1/32", { A: ["192.0.2.1"] }],
  ["myip=2001:db8::1/128", { AAAA: ["2001:db8::1"] }],
  ["myip=::ffff:192.0.2.1", { A: ["192.0.2.1"] }],
  ["myip=::ffff:c000:201", { A: ["192.0.2.1"] }],
  ["myip=2001:DB8::1", { AAAA: ["2001:DB8::1"] }],
  ["myip=2001:db8::5/64", { AAAA: ["2001:db8::5"] }],
  ["myip=192.0.2.1,,&myipv6=", { A: ["192.0.2.1"] }],
  ["myip=192.0.2.1,2001:db8:1::/64", { A: ["192.0.2.1"] }],
  ["myip=192.0.2.1&ip6lanprefix=2001:db8:1::/64&dualstack=1", { A: ["192.0.2.1"] }],
  ["myip=2001:db8:1::/64", "!donator"],
  ["myip=-", { A: [], AAAA: [] }],
  ["ipv6=-&ipv4=192.0.2.1", { A: ["192.0.2.1"], AAAA: [] }],
  ["ipv4=-", { A: [] }],
  ["myip=no&myipv6=2001:db8::1", { AAAA: ["2001:db8::1"] }],
  ["myip=preserve", "dnserr"],
  ["myip=auto", { A: ["203.0.113.9"] }],
  ["myip=no&myipv6=auto", "dnserr"],
  ["ipv4=auto&ipv6=auto", { A: ["203.0.113.9"] }],
  ["offline=YES", { A: [], AAAA: [] }],
  ["offline=NO&wildcard=ON&mx=mail.example.net&backmx=YES&url=x", { A: ["203.0.113.9"] }],
])("%s", async (query, expected) => {
  expect(await wanted(query)).toEqual(expected);
});

test("`auto` over IPv6 sets AAAA and keeps A", async () => {
  expect(await wanted("ipv4=auto&ipv6=auto", "2001:db8::9")).toEqual({ AAAA: ["2001:db8::9"] });
  expect(await wanted("", "2001:db8::9")).toEqual({ AAAA: ["2001:db8::9"] });
});

test("without any address, not even the caller's, the request is refused", async () => {
  expect(await wanted("", "")).toBe("dnserr");
});

test(`${Limits.dyndnsAddresses} addresses of a family are taken; one more is refused`, async () => {
  const list = (count: number) =>
    Array.from({ length: count }, (_, at) => `192.0.2.${at + 1}`).join(",");
  expect(await wanted(`myip=${list(Limits.dyndnsAddresses)},2001:db8::1`)).toMatchObject({
    AAAA: ["2001:db8::1"],
  });
  expect(await wanted(`myip=${list(Limits.dyndnsAddresses + 1)}`)).toBe("dnserr");
});
