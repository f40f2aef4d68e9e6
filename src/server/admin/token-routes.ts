/** `/v1/tokens`: machine tokens. A secret is told once, when the token is made. */
import type { FastifyPluginAsync } from "fastify";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { NewToken } from "../../identity/account-text.ts";
import type { Accounts } from "../../identity/accounts.ts";

export function tokenRoutes(accounts: Accounts, log: Logger): FastifyPluginAsync {
  return async (app) => {
    app.get("/v1/tokens", () => accounts.listTokens());

    app.post<{ Body: NewToken }>("/v1/tokens", { schema: { body: NewToken } }, async (request) => {
      const made = await accounts.addToken(request.body);
      log.info({ credential: made.id, actor: "local" }, "token added");
      return made;
    });

    app.delete<{ Params: { id: string } }>("/v1/tokens/:id", async (request) => {
      const { id } = request.params;
      if (!(await accounts.revokeToken(id))) {
        throw new WindhoverError(ErrorCode.noSuchName, `there is no token ${id}`);
      }
      log.info({ credential: id, actor: "local" }, "token revoked");
      return {};
    });
  };
}
