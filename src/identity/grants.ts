/**
 * What a grant covers. Everything not covered is denied. A grant is judged for one owner and one rrtype at a
 * time: a grant for `home.example.com` says nothing about its zone, and one for `*.example.com` nothing about
 * `example.com`.
 */
import { equalNames, isSubdomain, isWildcard, type Name, parentName } from "../wire/name.ts";
import type { Grant, GrantAction, Principal } from "./principal.ts";

/** Whether the principal may do this to the RRset of this owner and rrtype. */
export function isGranted(
  principal: Principal,
  action: GrantAction,
  owner: Name,
  rrtype: number,
): boolean {
  if (principal.isOperator) return true;
  return principal.grants.some(
    (grant) => coversOwner(grant, action, owner) && coversType(grant, rrtype),
  );
}

/** Whether one grant covers every rrtype at this owner, those it does not have yet among them. */
export function isGrantedEveryType(
  principal: Principal,
  action: GrantAction,
  owner: Name,
): boolean {
  if (principal.isOperator) return true;
  return principal.grants.some(
    (grant) => grant.types === undefined && coversOwner(grant, action, owner),
  );
}

/** Whether any grant covers something at this owner. */
export function isGrantedSomeType(principal: Principal, action: GrantAction, owner: Name): boolean {
  if (principal.isOperator) return true;
  return principal.grants.some(
    (grant) => grant.types?.length !== 0 && coversOwner(grant, action, owner),
  );
}

/** Whether any grant could cover something in this zone: who has none learns nothing about it. */
export function isGrantedWithin(principal: Principal, action: GrantAction, origin: Name): boolean {
  if (principal.isOperator) return true;
  return principal.grants.some((grant) => reachesZone(grant, action, origin));
}

/** A transfer shows the whole zone, so only a grant for the zone, whatever its names and types, allows it. */
export function isTransferGranted(principal: Principal, origin: Name): boolean {
  if (principal.isOperator) return true;
  return principal.grants.some(
    ({ allow, zone, name, types }) =>
      allow.includes("transfer") &&
      zone !== undefined &&
      name === undefined &&
      types === undefined &&
      isSubdomain(origin, zone),
  );
}

function coversOwner(grant: Grant, action: GrantAction, owner: Name): boolean {
  if (!grant.allow.includes(action)) return false;
  if (grant.zone === undefined && grant.name === undefined) return false;
  if (grant.zone !== undefined && !isSubdomain(owner, grant.zone)) return false;
  return grant.name === undefined || coversName(grant.name, owner);
}

function coversName(name: Name, owner: Name): boolean {
  if (!isWildcard(name)) return equalNames(name, owner);
  const rest = parentName(name);
  return owner.length > rest.length && isSubdomain(owner, rest);
}

function coversType(grant: Grant, rrtype: number): boolean {
  return grant.types === undefined || grant.types.includes(rrtype);
}

function reachesZone(grant: Grant, action: GrantAction, origin: Name): boolean {
  if (!grant.allow.includes(action) || grant.types?.length === 0) return false;
  if (grant.zone === undefined && grant.name === undefined) return false;
  if (grant.zone !== undefined && !meets(grant.zone, origin)) return false;
  if (grant.name === undefined) return true;
  return isWildcard(grant.name)
    ? meets(parentName(grant.name), origin)
    : isSubdomain(grant.name, origin);
}

/** Whether two subtrees share a name: one is within the other. */
function meets(a: Name, b: Name): boolean {
  return isSubdomain(a, b) || isSubdomain(b, a);
}
