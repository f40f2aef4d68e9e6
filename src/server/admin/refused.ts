/** A refused change of an operator as an error that says what to do. */
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import type { Refusal } from "../../update/refusal.ts";
import type { RefusalReason } from "../../update/update-request.ts";

const CODES: Partial<Record<RefusalReason, ErrorCode>> = {
  "store-unavailable": ErrorCode.storeUnavailable,
  "not-replicated": ErrorCode.storeUnavailable,
  "queue-full": ErrorCode.storeUnavailable,
  "shutting-down": ErrorCode.shuttingDown,
  "no-such-zone": ErrorCode.noSuchZone,
  prerequisite: ErrorCode.conflict,
  limit: ErrorCode.limit,
};

export function refused({ reason, detail }: Refusal): WindhoverError {
  return new WindhoverError(CODES[reason] ?? ErrorCode.badZone, detail);
}
