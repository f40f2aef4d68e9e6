/** STUB: the interface others call. */
import type { UpdateRequest, Verdict } from "./update-request.ts";

export interface UpdateEngine {
  /** Resolves with the verdict after the commit; never rejects. */
  submit(request: UpdateRequest): Promise<Verdict>;
}
