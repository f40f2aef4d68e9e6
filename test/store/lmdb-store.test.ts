/** The LMDB store keeps the promises. Its faults have tests of their own: `lmdb-faults.test.ts`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { describeStore, type Spoilt } from "./conformance.ts";

describeStore({
  name: "the LMDB store",
  oneHandleBecause: "one process owns the directory, and a second one is refused",
  make: async () => {
    const directory = mkdtempSync(join(tmpdir(), "windhover-lmdb-"));
    return {
      open: (retention) => openLmdbStore(directory, retention),
      spoil: async (what, _origin, bytes) => spoil(directory, what, bytes),
      destroy: async () => rmSync(directory, { recursive: true, force: true }),
    };
  },
});

/** LMDB itself lets a second handle write; only our store forbids it. */
async function spoil(directory: string, what: Spoilt, bytes: Uint8Array): Promise<void> {
  const name = { rrset: "rrsets", journal: "journal", version: "versions", document: "documents" };
  const binary = { encoding: "binary", keyEncoding: "binary" } as const;
  const root = open<Uint8Array, Uint8Array>(directory, { ...binary, noSubdir: false, maxDbs: 16 });
  const table = root.openDB<Uint8Array, Uint8Array>(name[what], binary);
  for (const key of [...table.getKeys()].slice(0, 1)) await table.put(key, bytes);
  await root.close();
}
