import { defineConfig } from "vitest/config";

const system = { testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false };

export default defineConfig({
  test: {
    coverage: { provider: "v8", include: ["src/{wire,zone,answer,update,table}/**"] },
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/*.test.ts"],
          testTimeout: 60_000,
        },
      },
      { test: { name: "store", include: ["test/store/**/*.test.ts"], ...system } },
      { test: { name: "system", include: ["test/system/**/*.test.ts"], ...system } },
    ],
  },
});
