/** Everyone who can open the administrative socket, and what is done in that name. */
import type { Principal } from "../../identity/principal.ts";
import type { Intent } from "../../update/judge-change.ts";
import type { Name } from "../../wire/name.ts";

export const OPERATOR: Principal = { actor: "local", grants: [], isOperator: true };

export function operatorIntent(origin: Name): Intent {
  return { origin, principal: OPERATOR, door: "cli", address: "" };
}
