/** Where the administrative API listens: a Unix socket that only its owner can open. */
import { chmodSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { FastifyInstance } from "fastify";
import { ErrorCode, errorMessage, WindhoverError } from "../../base/errors.ts";
import { isAnswered } from "../../base/living-socket.ts";

/** sockaddr_un holds 108 octets with the final zero; a longer path cannot be bound. */
const PATH_LENGTH = 107;

/** Throws `listen` when another server has the socket, or it cannot be made. */
export async function listenOnSocket(app: FastifyInstance, path: string): Promise<void> {
  if (Buffer.byteLength(path) > PATH_LENGTH) {
    throw cannotListen(
      path,
      `the path is longer than ${PATH_LENGTH} octets; set \`socket\` to a shorter one`,
    );
  }
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false) {
    throw cannotListen(path, "there is something that is no socket; set `socket` to another path");
  }
  if (await isAnswered(path)) {
    throw cannotListen(
      path,
      "another server listens there; stop it, or set `socket` to another path",
    );
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const umask = process.umask(0o177);
  try {
    rmSync(path, { force: true });
    await app.listen({ path });
    chmodSync(path, 0o600);
  } catch (error) {
    throw cannotListen(path, errorMessage(error));
  } finally {
    process.umask(umask);
  }
}

function cannotListen(path: string, problem: string): WindhoverError {
  const message = `cannot listen on the administrative socket ${path}: ${problem}`;
  return new WindhoverError(ErrorCode.listen, message);
}
