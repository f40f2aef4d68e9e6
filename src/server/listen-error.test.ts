import { expect, test } from "vitest";
import { listenError } from "./listen-error.ts";

const where = { address: "2001:db8::1", port: 53 };

test.each([
  ["EADDRINUSE", /^cannot listen on UDP \[2001:db8::1\]:53: another program listens there/],
  ["EACCES", /ports below 1024 need root or CAP_NET_BIND_SERVICE/],
  ["EADDRNOTAVAIL", /no interface of this machine has that address/],
  ["EAFNOSUPPORT", /does not speak that address family/],
])("%s says what to do", (code, expected) => {
  const cause = Object.assign(new Error(code), { code });
  expect(listenError("UDP", where, cause)).toMatchObject({ code: "listen", cause });
  expect(listenError("UDP", where, cause).message).toMatch(expected);
});

test("any other failure is told as it is", () => {
  expect(listenError("TCP", where, new Error("out of luck")).message).toBe(
    "cannot listen on TCP [2001:db8::1]:53: out of luck",
  );
});
