/** A copy of what a simulated store has, that the store does not change. */
import { createMemoryState, type MemoryState } from "../../src/store/memory-store.ts";

export function cloneState(state: MemoryState): MemoryState {
  const clone = createMemoryState();
  for (const [key, zone] of state.zones) {
    const { origin, version, rrsets, journal } = zone;
    clone.zones.set(key, { origin, version, rrsets: new Map(rrsets), journal: new Map(journal) });
  }
  for (const [key, zone] of state.deleted) clone.deleted.set(key, zone);
  for (const [kind, documents] of state.documents) clone.documents.set(kind, new Map(documents));
  return clone;
}
