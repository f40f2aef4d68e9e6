/** Who asks, and what they may do. A principal is made by whoever verified the credential, never from input. */
import type { Name } from "../wire/name.ts";

export type GrantAction = "update" | "transfer";

/**
 * One permission. Without `zone` and `name` it covers nothing. A `zone` covers the apex and all below it;
 * a `name` exactly that owner, or with a leading `*.` every owner below the rest (RFC 4592 reading: not the
 * rest itself). `types` narrows to these rrtypes; without it, every type that may be updated.
 */
export interface Grant {
  readonly allow: readonly GrantAction[];
  readonly zone?: Name;
  readonly name?: Name;
  readonly types?: readonly number[];
}

export interface Principal {
  /** As the journal spells it: `key:router`, `user:alice`, `token:ab12cd34`, `local`. */
  readonly actor: string;
  readonly grants: readonly Grant[];
  /** May do everything: only the administrative socket makes such a principal. */
  readonly isOperator: boolean;
  /** Extra host the credential stands for (a node token's own host), if any. */
  readonly host?: Name;
}
