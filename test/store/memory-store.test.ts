/** The reference store keeps the promises. */
import { createMemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import { nameKey } from "../../src/wire/name.ts";
import { describeStore } from "./conformance.ts";

describeStore({
  name: "the memory store",
  typedBecause: "the memory store keeps versions and documents as values, not as bytes",
  make: async () => {
    const state = createMemoryState();
    return {
      open: async (retention) => new MemoryStore(state, retention),
      spoil: async (what, origin, bytes) => {
        const zone = state.zones.get(nameKey(origin));
        if (zone === undefined) throw new Error("there is no such zone");
        if (what === "journal") zone.journal.set(1, bytes);
        if (what === "rrset") for (const key of zone.rrsets.keys()) zone.rrsets.set(key, bytes);
      },
      destroy: async () => {},
    };
  },
});
