/** Why an update was not made, as a value: the steps of the engine hand it up, nothing is thrown. */
import { Rcode } from "../wire/code-points.ts";
import { formatName, type Name } from "../wire/name.ts";
import type { RefusalReason, Verdict } from "./update-request.ts";

export type Refusal = Extract<Verdict, { status: "refused" }>;

export function refuse(rcode: Rcode, reason: RefusalReason, detail: string): Refusal {
  return { status: "refused", rcode, reason, detail };
}

export function noSuchZone(origin: Name): Refusal {
  const detail = `zone ${formatName(origin)} is not served here`;
  return refuse(Rcode.notAuth, "no-such-zone", detail);
}
