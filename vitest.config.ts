import { defineConfig } from "vitest/config";

/** Real processes and sockets: one file at a time, with time for a slow machine. */
const real = { testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false };

export default defineConfig({
  test: {
    coverage: {
      provider: "v8",
      include: ["src/{wire,zone,answer,update,table}/**"],
      reporter: ["text-summary", "html"],
      // The unit tests reach all of these folders, even with every random test left out.
      thresholds: { branches: 100, functions: 100, lines: 100, statements: 100 },
    },
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "src/**/*.test.ts",
            "test/*.test.ts",
            "test/{fuzz,hostile,nodes,simulation}/**/*.test.ts",
          ],
          testTimeout: 60_000,
        },
      },
      { test: { name: "store", include: ["test/store/**/*.test.ts"], ...real } },
      { test: { name: "server", include: ["test/server/**/*.test.ts"], ...real } },
      {
        test: { name: "differential", include: ["test/differential/**/*.test.ts"], ...real },
      },
      { test: { name: "system", include: ["test/system/**/*.test.ts"], ...real } },
    ],
  },
});
