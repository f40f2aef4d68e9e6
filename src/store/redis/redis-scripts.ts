/** Every script, by the name that the store calls it. */
import { BEGIN_LOAD_SCRIPT } from "./begin-load-script.ts";
import { COMMIT_SCRIPT } from "./commit-script.ts";
import { CONFIRM_SCRIPT } from "./confirm-script.ts";
import { CONTINUE_LOAD_SCRIPT } from "./continue-load-script.ts";
import { CREATE_ZONE_SCRIPT } from "./create-zone-script.ts";
import { DELETE_ZONE_SCRIPT } from "./delete-zone-script.ts";
import { END_LOAD_SCRIPT } from "./end-load-script.ts";
import { REMEMBER_DELETED_SCRIPT } from "./remember-deleted-script.ts";
import { WRITE_DOCUMENT_SCRIPT } from "./write-document-script.ts";

export const SCRIPTS = {
  beginLoad: BEGIN_LOAD_SCRIPT,
  commit: COMMIT_SCRIPT,
  confirm: CONFIRM_SCRIPT,
  continueLoad: CONTINUE_LOAD_SCRIPT,
  createZone: CREATE_ZONE_SCRIPT,
  deleteZone: DELETE_ZONE_SCRIPT,
  endLoad: END_LOAD_SCRIPT,
  rememberDeleted: REMEMBER_DELETED_SCRIPT,
  writeDocument: WRITE_DOCUMENT_SCRIPT,
} as const;

export type ScriptName = keyof typeof SCRIPTS;

/** What ioredis calls the script. */
export function commandName(script: string): string {
  return `windhover${script}`;
}
export type ScriptArgument = string | number | Uint8Array;
