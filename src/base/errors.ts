/**
 * Every error a user can meet has a stable code here. The message says what was wrong and what to do;
 * the code is for programs (REST answers, tests) and never changes its meaning.
 */
export const ErrorCode = {
  badMessage: "bad-message",
  badName: "bad-name",
  badRdata: "bad-rdata",
  badZoneFile: "bad-zone-file",
  badZone: "bad-zone",
  badConfig: "bad-config",
  badRequest: "bad-request",
  badCredential: "bad-credential",
  forbidden: "forbidden",
  zoneExists: "zone-exists",
  noSuchZone: "no-such-zone",
  noSuchName: "no-such-name",
  noSuchPoint: "no-such-point",
  exists: "exists",
  limit: "limit",
  conflict: "conflict",
  storeUnavailable: "store-unavailable",
  storeFormat: "store-format",
  badBackup: "bad-backup",
  listen: "listen",
  tableFull: "table-full",
  shuttingDown: "shutting-down",
} as const;

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** An error with a stable code, meant to be shown to a person or a program. */
export class WindhoverError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "WindhoverError";
    this.code = code;
  }
}

/** What was caught, when it is of the one kind that was expected; anything else is thrown on, untouched. */
export function expected<E extends Error>(
  error: unknown,
  kind: abstract new (...parameters: never[]) => E,
): E {
  if (error instanceof kind) return error;
  throw error;
}

/** The message of anything thrown, for a log line or an answer. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
