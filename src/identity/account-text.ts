/** Users and tokens as they stand in the configuration, in stored documents and in REST. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { ErrorCode, WindhoverError } from "../base/errors.ts";
import { GrantText } from "./grant-text.ts";

const closed = { additionalProperties: false } as const;

/** A name goes before the first colon of Basic credentials (RFC 7617 §2), so it has none itself. */
const USER_NAME = "^[^:\\s\\u0000-\\u001f]{1,255}$";

/** A user of the configuration: a password hash, or a plain token for trying things out. */
export const UserText = Type.Object(
  {
    name: Type.String({ pattern: USER_NAME }),
    password: Type.Optional(Type.String({ minLength: 1 })),
    token: Type.Optional(Type.String({ minLength: 1 })),
    grants: Type.Array(GrantText),
  },
  closed,
);
export type UserText = Static<typeof UserText>;

/** What a new user is made from; `password` is in the clear and is stored as its argon2id hash. */
export interface NewUser {
  readonly name: string;
  readonly password: string;
  readonly grants: readonly GrantText[];
}

/** What a new token is made from. `host` is the one name a node's token stands for. */
export const NewToken = Type.Object(
  {
    label: Type.Optional(Type.String({ maxLength: 255 })),
    host: Type.Optional(Type.String({ minLength: 1 })),
    grants: Type.Array(GrantText),
  },
  closed,
);
export type NewToken = Static<typeof NewToken>;

/** A token as it may be shown. */
export interface TokenListing {
  readonly id: string;
  readonly label: string;
  readonly host?: string;
  readonly grants: readonly GrantText[];
  /** RFC 3339. */
  readonly created: string;
}

/** A user as it may be shown. */
export interface UserListing {
  readonly name: string;
  readonly grants: readonly GrantText[];
  readonly source: "configuration" | "store";
}

/** Document of kind `user`; its id is the name. */
export const UserDocument = Type.Object({
  version: Type.Literal(1),
  password: Type.String({ minLength: 1 }),
  grants: Type.Array(GrantText),
});
export type UserDocument = Static<typeof UserDocument>;

/** Document of kind `token`; its id is the token's id. */
export const TokenDocument = Type.Object({
  version: Type.Literal(1),
  /** Of the whole secret, in hex. */
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  label: Type.String(),
  host: Type.Optional(Type.String({ minLength: 1 })),
  grants: Type.Array(GrantText),
  created: Type.String(),
});
export type TokenDocument = Static<typeof TokenDocument>;

/** Throws `store-format` naming what does not fit. */
export function readDocument<S extends TSchema>(schema: S, json: string): Static<S> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new WindhoverError(ErrorCode.storeFormat, "not JSON");
  }
  if (Value.Check(schema, value)) return value;
  const error = Value.Errors(schema, value).First();
  const place = error === undefined || error.path === "" ? "" : `${error.path}: `;
  throw new WindhoverError(ErrorCode.storeFormat, `${place}${error?.message ?? "wrong shape"}`);
}
