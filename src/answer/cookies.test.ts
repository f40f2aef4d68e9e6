import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COOKIE_OPTION_LENGTH, CookieState, isCookieLength, ServerCookies } from "./cookies.ts";

const SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf";

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

function cookiesAt(seconds: number, secret = SECRET): ServerCookies {
  return new ServerCookies(hex(secret), { nowMs: () => seconds * 1000, monotonicMs: () => 0 });
}

/** Judges a cookie; answers with what became of it and the cookie of the response. */
function exchange(cookies: ServerCookies, cookie: string, address: string) {
  const bytes = hex(`ffff${cookie}`);
  const state = cookies.judge(bytes, 2, bytes.length - 2, address);
  const response = new Uint8Array(COOKIE_OPTION_LENGTH + 4);
  expect(cookies.write(response, 2)).toBe(COOKIE_OPTION_LENGTH + 2);
  const text = Buffer.from(response).toString("hex");
  expect(text).toMatch(/^0000000a0018.*0000$/);
  return { state, cookie: text.slice(12, -4) };
}

describe("RFC 9018 appendix A", () => {
  test("A.1 a new server cookie", () => {
    expect(exchange(cookiesAt(1559731985), "2464c4abcf10c957", "198.51.100.100")).toEqual({
      state: CookieState.clientOnly,
      cookie: "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
    });
  });

  test("A.2 a renewed one, 40 minutes later", () => {
    const sent = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
    expect(exchange(cookiesAt(1559734385), sent, "198.51.100.100")).toEqual({
      state: CookieState.valid,
      cookie: "2464c4abcf10c957010000005cf7a871d4a564a1442aca77",
    });
  });

  test("A.3 reserved octets are hashed as they came and renewed as zeros", () => {
    // The example's answer is later than an hour after its question; what it makes is what is checked here.
    const sent = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5";
    const early = exchange(cookiesAt(1559727985 + 60), sent, "203.0.113.203");
    expect(early).toEqual({ state: CookieState.valid, cookie: sent });
    const late = exchange(cookiesAt(1559734700), sent, "203.0.113.203");
    expect(late.cookie).toBe("fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
  });

  test("A.4 IPv6, and a secret that is new: the old cookie is replaced", () => {
    const address = "2001:db8:220:1:59de:d0f4:8769:82b8";
    const sent = "22681ab97d52c298010000005cf7c57926556bd0934c72f8";
    const before = cookiesAt(1559741817, "dd3bdf9344b678b185a6f5cb60fca715");
    expect(exchange(before, sent, address)).toEqual({ state: CookieState.valid, cookie: sent });
    const after = cookiesAt(1559741961, "445536bcd2513298075a5d379663c962");
    expect(exchange(after, sent, address)).toEqual({
      state: CookieState.invalid,
      cookie: "22681ab97d52c298010000005cf7c609a6bb79d16625507a",
    });
  });
});

describe("time", () => {
  const NOW = 1_700_000_000;
  const made = exchange(cookiesAt(NOW), "0102030405060708", "192.0.2.1").cookie;

  test.each([
    ["at once", 0, CookieState.valid, true],
    ["from a clock 5 minutes ahead", -300, CookieState.valid, true],
    ["from further ahead", -301, CookieState.invalid, false],
    ["half an hour old", 1800, CookieState.valid, true],
    ["a second older: a new one", 1801, CookieState.valid, false],
    ["an hour old", 3600, CookieState.valid, false],
    ["a second older than that", 3601, CookieState.invalid, false],
  ])("%s", (_, later, state, isKept) => {
    const answer = exchange(cookiesAt(NOW + later), made, "192.0.2.1");
    expect(answer.state).toBe(state);
    expect(answer.cookie === made).toBe(isKept);
  });

  test("goes on where 32 bits of seconds end", () => {
    const last = 2 ** 32 - 10;
    const old = exchange(cookiesAt(last), "0102030405060708", "192.0.2.1").cookie;
    expect(exchange(cookiesAt(last + 60), old, "192.0.2.1").state).toBe(CookieState.valid);
    expect(exchange(cookiesAt(last + 4000), old, "192.0.2.1").state).toBe(CookieState.invalid);
  });
});

describe("a cookie is one client's", () => {
  const cookies = cookiesAt(1_700_000_000);
  const made = exchange(cookies, "0102030405060708", "192.0.2.1").cookie;

  test("not another address's", () => {
    expect(exchange(cookies, made, "192.0.2.2").state).toBe(CookieState.invalid);
    expect(exchange(cookies, made, "::1").state).toBe(CookieState.invalid);
    expect(exchange(cookies, made, "::ffff:192.0.2.1").state).toBe(CookieState.valid);
  });

  test("changed anywhere it is none, and a good one comes back", () => {
    fc.assert(
      fc.property(fc.nat(23), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = hex(made);
        bytes[at]! ^= change;
        const sent = Buffer.from(bytes).toString("hex");
        const answer = exchange(cookies, sent, "192.0.2.1");
        expect(answer.state).toBe(CookieState.invalid);
        expect(exchange(cookies, answer.cookie, "192.0.2.1").state).toBe(CookieState.valid);
      }),
    );
  });

  test("server cookies of another form are not ours", () => {
    for (const octets of [8, 15, 17, 32]) {
      const sent = `0102030405060708${"01".repeat(octets)}`;
      expect(exchange(cookies, sent, "192.0.2.1").state).toBe(CookieState.invalid);
    }
  });
});

test("lengths of RFC 7873 §4", () => {
  const good = Array.from({ length: 60 }, (_, length) => length).filter(isCookieLength);
  expect(good).toEqual([8, ...Array.from({ length: 25 }, (_, at) => 16 + at)]);
});
