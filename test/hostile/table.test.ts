/** docs/hostile-input.md names tests: each of them is there. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PROJECT_ROOT } from "../project-root.ts";

interface Named {
  readonly file: string;
  readonly titles: readonly string[];
}

function namedTests(): Named[] {
  const page = readFileSync(join(PROJECT_ROOT, "docs/hostile-input.md"), "utf8");
  const rows = page.split("\n").filter((line) => /^\| \d+ \|/.test(line));
  expect(rows.length).toBe(15);
  return rows.flatMap((row) => {
    const shown = row.split(" | ").at(-1) as string;
    return shown.split(/(?=`[\w/.-]+\.ts`)/).flatMap((part) => {
      const file = /^`([\w/-]+(?:\.test)?\.ts)`/.exec(part)?.[1];
      const titles = [...part.matchAll(/“([^”]+)”/g)].map((match) => match[1] as string);
      return file === undefined ? [] : [{ file, titles }];
    });
  });
}

const files = ["src", "test"].flatMap((folder) =>
  readdirSync(join(PROJECT_ROOT, folder), { recursive: true, encoding: "utf8" }).map((path) =>
    join(folder, path),
  ),
);

test.each(namedTests().map((each) => [each.file, each.titles] as const))(
  "%s has %j",
  (file, titles) => {
    const path = files.find((each) => each.endsWith(`/${file}`) && !each.includes("node_modules"));
    expect(path, `there is no ${file}`).toBeDefined();
    const source = readFileSync(join(PROJECT_ROOT, path as string), "utf8");
    for (const title of titles) expect(source).toContain(title);
  },
);
