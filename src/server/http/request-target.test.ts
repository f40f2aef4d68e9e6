import { expect, test } from "vitest";
import { normalizeTarget, targetPath, targetQuery } from "./request-target.ts";

test.each([
  ["/nic/update?hostname=a", "/nic/update?hostname=a"],
  ["//nic/update?hostname=a", "/nic/update?hostname=a"],
  ["/\\/nic/update?hostname=a", "/nic/update?hostname=a"],
  ["/nic/update/?hostname=a", "/nic/update?hostname=a"],
  ["nic/update", "/nic/update"],
  ["http://ddns.example.net:8053/nic/update?x", "/nic/update?x"],
  ["https://ddns.example.net", "/"],
  ["/", "/"],
  ["//", "/"],
  ["", "/"],
  ["/checkip#top", "/checkip"],
  ["/nic/update?url=http://a//b/&c=\\", "/nic/update?url=http://a//b/&c=\\"],
])("%j routes as %j", (target, normal) => {
  expect(normalizeTarget(target)).toBe(normal);
});

test("path and query are what stands before and after the first question mark", () => {
  expect(targetPath("/a?b?c")).toBe("/a");
  expect(targetQuery("/a?b?c")).toBe("b?c");
  expect(targetQuery("/a")).toBe("");
});
