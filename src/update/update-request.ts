/** One shape for every origin of change: DNS UPDATE, dyndns2 and its kin, REST, the command line. */
import type { Principal } from "../identity/principal.ts";
import type { Rcode } from "../wire/code-points.ts";
import type { Name } from "../wire/name.ts";

export type Door = "rfc2136" | "dyndns2" | "report" | "rest" | "cli" | "config";

/** RFC 2136 §2.4. */
export type Prerequisite =
  | { readonly kind: "name-in-use"; readonly owner: Name }
  | { readonly kind: "name-not-in-use"; readonly owner: Name }
  | { readonly kind: "rrset-exists"; readonly owner: Name; readonly rrtype: number }
  | { readonly kind: "rrset-absent"; readonly owner: Name; readonly rrtype: number }
  /** Value dependent: one RR of an RRset that must be equal as a whole to all such RRs given. */
  | {
      readonly kind: "rrset-equals";
      readonly owner: Name;
      readonly rrtype: number;
      readonly rdata: Uint8Array;
    };

/** RFC 2136 §2.5, and `replace` for doors that say what an RRset shall be. Applied in order. */
export type UpdateOperation =
  | {
      readonly kind: "add";
      readonly owner: Name;
      readonly rrtype: number;
      readonly ttl: number;
      readonly rdata: Uint8Array;
    }
  | {
      readonly kind: "delete-rr";
      readonly owner: Name;
      readonly rrtype: number;
      readonly rdata: Uint8Array;
    }
  | { readonly kind: "delete-rrset"; readonly owner: Name; readonly rrtype: number }
  | { readonly kind: "delete-name"; readonly owner: Name }
  | {
      readonly kind: "replace";
      readonly owner: Name;
      readonly rrtype: number;
      readonly ttl: number;
      /** Empty: the RRset ends. */
      readonly rdatas: readonly Uint8Array[];
    };

export interface UpdateRequest {
  readonly origin: Name;
  readonly principal: Principal;
  readonly door: Door;
  /** The client's address as text without port; empty for the command line. */
  readonly address: string;
  readonly prerequisites: readonly Prerequisite[];
  readonly operations: readonly UpdateOperation[];
}

/** Why an update was refused: a stable word for logs, metrics and answers. */
export type RefusalReason =
  | "no-grant"
  | "prerequisite"
  | "not-in-zone"
  | "no-such-zone"
  | "bad-operation"
  | "limit"
  | "queue-full"
  | "store-unavailable"
  | "not-replicated"
  | "shutting-down";

export type Verdict =
  /** Durable and visible. */
  | { readonly status: "applied"; readonly serial: number; readonly sequence: number }
  /** The zone was already so: nothing committed, no serial step. */
  | { readonly status: "unchanged"; readonly serial: number }
  | {
      readonly status: "refused";
      readonly rcode: Rcode;
      readonly reason: RefusalReason;
      readonly detail: string;
    };
