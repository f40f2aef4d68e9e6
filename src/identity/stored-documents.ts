/** The stored documents of one kind, read anew as often as others change them, never as they were before a write of ours. */
import type { DocumentKind, Store, StoreDocument } from "../store/store.ts";

export class StoredDocuments {
  readonly #store: Store;
  readonly #kind: DocumentKind;
  #writes = 0;

  constructor(store: Store, kind: DocumentKind) {
    this.#store = store;
    this.#kind = kind;
  }

  /** Once more when one of our own writes was done meanwhile: what was read may not have it. */
  async read(): Promise<readonly StoreDocument[]> {
    for (;;) {
      const writes = this.#writes;
      const documents = await this.#store.readDocuments(this.#kind);
      if (writes === this.#writes) return documents;
    }
  }

  /** `undefined` json deletes it. */
  async write(id: string, json: string | undefined): Promise<void> {
    await this.#store.writeDocument(this.#kind, id, json);
    this.#writes++;
  }
}
