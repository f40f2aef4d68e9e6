/** Where the administrative API listens: a Unix socket that only its owner can open. */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { dirname } from "node:path";
import type { FastifyInstance } from "fastify";
import { ErrorCode, errorMessage, WindhoverError } from "../../base/errors.ts";

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
  if (await isAnswered(path)) throw cannotListen(path, "another server listens there");
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

/** Whether a living server is behind the socket; one left by a crash refuses. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(path);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}

function cannotListen(path: string, problem: string): WindhoverError {
  const message = `cannot listen on the administrative socket ${path}: ${problem}`;
  return new WindhoverError(ErrorCode.listen, message);
}
