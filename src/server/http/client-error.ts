/** The reply to a request that is broken before it is one: bad syntax, headers too large or too slow. */
import type { Socket } from "node:net";

interface ClientError extends Error {
  readonly code: string;
}

const STATUS_LINES: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
};

/** Written by hand, because there is no response object yet; then the connection ends. */
export function refuseBrokenRequest(error: ClientError, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const body = "bad request\n";
  const status = STATUS_LINES[error.code] ?? "400 Bad Request";
  const head = `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n`;
  socket.end(`${head}Connection: close\r\n\r\n${body}`, () => socket.destroy());
}
