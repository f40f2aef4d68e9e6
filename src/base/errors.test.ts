import { describe, expect, it } from "vitest";
import { ErrorCode, errorMessage, expected, WindhoverError } from "./errors.ts";

describe("what was caught", () => {
  it("is given back when it is of the kind expected, or a narrower one", () => {
    const error = new WindhoverError(ErrorCode.badName, "no such label");
    expect(expected(error, WindhoverError)).toBe(error);
    expect(expected(error, Error)).toBe(error);
  });

  it("goes on up when it is not, whatever it is", () => {
    for (const thrown of [new TypeError("a mistake of ours"), "text", undefined]) {
      let caught: unknown = "nothing";
      try {
        expected(thrown, WindhoverError);
      } catch (error) {
        caught = error;
      }
      expect(caught).toBe(thrown);
    }
  });

  it("has a message, whatever it is", () => {
    expect(errorMessage(new Error("disk full"))).toBe("disk full");
    expect(errorMessage("disk full")).toBe("disk full");
    expect(errorMessage(undefined)).toBe("undefined");
  });
});
