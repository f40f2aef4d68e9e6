/** Waiting for what will become so, in tests. */

/** Tries until it is so; a bound, not a time, decides that it is not. */
export async function eventually(isSo: () => Promise<boolean>, attempts = 1_000): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("it did not become so");
}
