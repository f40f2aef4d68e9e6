import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeComponent, RequestParameters, readParameters } from "./request-parameters.ts";

const ofQuery = (query: string) =>
  readParameters({ query, body: new Uint8Array(), contentType: "" });

describe("decoding", () => {
  test.each([
    ["a+b", "a b"],
    ["2001%3adb8%3A%3a1", "2001:db8::1"],
    ["100%", "100%"],
    ["%zz%4", "%zz%4"],
    ["%c3%a9", "é"],
    ["%e9", "é"],
    ["a%2Cb,c", "a,b,c"],
  ])("%s is %s", (text, decoded) => expect(decodeComponent(text)).toBe(decoded));

  test("gives back whatever was encoded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(decodeComponent(encodeURIComponent(text))).toBe(text);
      }),
      { examples: [["\ufffd"]] },
    );
  });
});

describe("parameters", () => {
  test("the first name that has a value counts, whatever its case", async () => {
    const parameters = await ofQuery("MYIP=&ip=192.0.2.1&address=192.0.2.2");
    expect(parameters.first("myip", "ip", "address")).toBe("192.0.2.1");
    expect(parameters.first("hostname")).toBeUndefined();
  });

  test("a repeated name keeps every value", async () => {
    expect((await ofQuery("h[]=a&h%5B%5D=b&h[]=")).all("h[]")).toEqual(["a", "b"]);
  });

  test("only a first parameter without `=` is bare", async () => {
    expect((await ofQuery("home.example.com&a=1")).bareName).toBe("home.example.com");
    expect((await ofQuery("a=1&home.example.com")).bareName).toBeUndefined();
    expect((await ofQuery("")).bareName).toBeUndefined();
  });

  test("names of Object are names like any other", async () => {
    const parameters = await ofQuery("__proto__=1&constructor=2");
    expect(parameters.first("__proto__")).toBe("1");
    expect(parameters.first("tostring")).toBeUndefined();
  });

  test.each(["1", "on", "YES", "true"])("%s is on", (value) =>
    expect(new RequestParameters([["strict", value]]).isOn("strict")).toBe(true),
  );
  test.each(["", "0", "NO", "off"])("%j is off", (value) =>
    expect(new RequestParameters([["strict", value]]).isOn("strict")).toBe(false),
  );
});

describe("bodies", () => {
  const read = (text: string, contentType = "") =>
    readParameters({ query: "", body: Buffer.from(text), contentType });

  test("JSON lists are repeated values; nested objects and null are passed over", async () => {
    const parameters = await read('{"hostname":["a","b"],"ttl":60,"x":{"y":1},"z":null}');
    expect(parameters.all("hostname")).toEqual(["a", "b"]);
    expect(parameters.first("ttl")).toBe("60");
    expect(parameters.first("x", "z")).toBeUndefined();
  });

  test("multipart without a boundary, or cut short, is refused or empty and never hangs", async () => {
    await expect(read("--b\r\n", "multipart/form-data; x=y")).rejects.toMatchObject({
      code: "bad-request",
    });
    const cut = '--b\r\nContent-Disposition: form-data; name="hostname"\r\n\r\nhome';
    const outcome = await read(cut, "multipart/form-data; boundary=b").catch((error) => error.code);
    expect(outcome === "bad-request" || outcome instanceof RequestParameters).toBe(true);
  });

  test("any octets are parameters or a refusal, never another error", async () => {
    const types = fc.constantFrom("", "application/json", "multipart/form-data; boundary=b");
    const property = fc.asyncProperty(fc.uint8Array(), types, async (body, contentType) => {
      const outcome = await readParameters({ query: "", body, contentType }).catch(
        (error) => error,
      );
      expect(outcome instanceof RequestParameters || outcome.code === "bad-request").toBe(true);
    });
    await fc.assert(property);
  });
});
