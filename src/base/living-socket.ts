/** Whether somebody listens on a Unix socket: the file outlives the process that made it. */
import { createConnection } from "node:net";

/** Only these say that nobody is there: a socket that is busy (EAGAIN), or not for us (EACCES), is somebody's. */
const NOBODY: readonly unknown[] = ["ECONNREFUSED", "ENOENT", "ENOTSOCK", "ENOTSUP", "EOPNOTSUPP"];

/** Of an error of connecting: whether it means that nobody listens. */
export function saysNobody(error: unknown): boolean {
  return NOBODY.includes((error as NodeJS.ErrnoException | undefined)?.code);
}

export function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(path);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", (error) => resolve(!saysNobody(error)));
  });
}
