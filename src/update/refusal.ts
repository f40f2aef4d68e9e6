/** Why an update was not made, as a value: the steps of the engine hand it up, nothing is thrown. */
import type { Rcode } from "../wire/code-points.ts";
import type { RefusalReason, Verdict } from "./update-request.ts";

export type Refusal = Extract<Verdict, { status: "refused" }>;

export function refuse(rcode: Rcode, reason: RefusalReason, detail: string): Refusal {
  return { status: "refused", rcode, reason, detail };
}
