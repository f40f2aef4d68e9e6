/** Passwords of people: argon2id (RFC 9106) in its usual text form, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. */
import { randomBytes } from "node:crypto";
import argon2 from "argon2";
import { Limits } from "../base/limits.ts";

/** OWASP's first choice for a server that others must share: 19 MiB, two passes, one lane. */
const COST = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

const FORM =
  /^\$argon2id\$v=19\$((?:[mtp]=\d{1,9},?){3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,128}$/;

export function hashPassword(password: string): Promise<string> {
  return argon2.hash(password, COST);
}

/** Rejects only when the machine cannot compute it (no memory); a malformed hash matches nothing. */
export async function verifyPassword(hash: string, password: string): Promise<boolean> {
  if (!isPasswordHash(hash)) return false;
  return argon2.verify(hash, password);
}

/** Whether the text is an argon2id hash that this server is willing to compute. */
export function isPasswordHash(text: string): boolean {
  const cost = FORM.exec(text)?.[1];
  if (cost === undefined) return false;
  const memoryKib = readCost(cost, "m");
  const passes = readCost(cost, "t");
  const lanes = readCost(cost, "p");
  return (
    memoryKib >= 8 * lanes &&
    memoryKib <= Limits.passwordMemoryKib &&
    passes >= 1 &&
    passes <= Limits.passwordPasses &&
    lanes >= 1
  );
}

/** 0 when the parameter is missing. Programs write the three in different orders. */
function readCost(cost: string, parameter: "m" | "t" | "p"): number {
  const value = cost.split(",").find((each) => each.startsWith(`${parameter}=`));
  return value === undefined ? 0 : Number(value.slice(2));
}

/**
 * A hash that no password matches and that costs as much to check as `model`: what an unknown user is checked
 * against, so that the time of a refusal does not tell who exists.
 */
export function decoyHash(model: string): string {
  const [, algorithm, version, cost] = model.split("$");
  const salt = base64(randomBytes(16));
  return `$${algorithm}$${version}$${cost}$${salt}$${base64(randomBytes(32))}`;
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
