/** `/v1/keys`: TSIG keys. A secret is told once, when the key is made. */
import { randomBytes } from "node:crypto";
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyPluginAsync } from "fastify";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { formatGrant, GrantText } from "../../identity/grant-text.ts";
import type { Keyring, TsigCredential } from "../../identity/keyring.ts";
import { formatName, parseName } from "../../wire/name.ts";

/** RFC 8945 §8: at least as long as the digest; 256 bits serve every algorithm in use. */
const SECRET_BYTES = 32;

const NewKey = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    algorithm: Type.String({ default: "hmac-sha256" }),
    /** Base64; made when absent. */
    secret: Type.Optional(Type.String({ minLength: 1 })),
    grants: Type.Array(GrantText, { minItems: 1 }),
  },
  { additionalProperties: false },
);

export function keyRoutes(keyring: Keyring, log: Logger): FastifyPluginAsync {
  return async (app) => {
    app.get("/v1/keys", () => keyring.list().map(describeKey));

    app.post<{ Body: Static<typeof NewKey> }>(
      "/v1/keys",
      { schema: { body: NewKey } },
      async (request) => {
        const secret = request.body.secret ?? randomBytes(SECRET_BYTES).toString("base64");
        const credential = await keyring.add({ ...request.body, secret });
        log.info({ key: formatName(credential.key.name), actor: "local" }, "TSIG key added");
        return { ...describeKey(credential), secret };
      },
    );

    app.delete<{ Params: { name: string } }>("/v1/keys/:name", async (request) => {
      const name = parseName(request.params.name);
      if (!(await keyring.remove(name))) {
        throw new WindhoverError(ErrorCode.noSuchName, `there is no TSIG key ${formatName(name)}`);
      }
      log.info({ key: formatName(name), actor: "local" }, "TSIG key removed");
      return {};
    });
  };
}

function describeKey({ key, principal, source }: TsigCredential) {
  return {
    name: formatName(key.name),
    algorithm: key.algorithm,
    grants: principal.grants.map(formatGrant),
    source,
  };
}
