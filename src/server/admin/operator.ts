/** Everyone who can open the administrative socket. */
import type { Principal } from "../../identity/principal.ts";

export const OPERATOR: Principal = { actor: "local", grants: [], isOperator: true };
