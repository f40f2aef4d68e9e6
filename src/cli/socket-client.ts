/** Speaks to the running server's REST API over its Unix socket: the only way in for the command line. */
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import type { Readable } from "node:stream";
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { saysNobody } from "../base/living-socket.ts";

export interface SocketRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  /** A JSON value, or text that is sent as it comes. */
  readonly body?: unknown;
  readonly text?: Readable;
}

export interface SocketAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly chunks: AsyncIterable<Buffer>;
}

export class SocketClient {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** The answer's JSON. Throws what the server said was wrong, with its code. */
  async json<T>(call: SocketRequest): Promise<T> {
    const response = await this.#send(call);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const content = Buffer.concat(chunks).toString("utf8");
    if ((response.statusCode ?? 500) >= 400) throw serverError(content);
    return (content === "" ? undefined : JSON.parse(content)) as T;
  }

  /** Copies the answer's text to `output` as it arrives. Returns the answer's headers. */
  async copyText(call: SocketRequest, output: NodeJS.WritableStream): Promise<IncomingHttpHeaders> {
    const { headers, chunks } = await this.open(call);
    for await (const chunk of chunks) {
      if (!output.write(chunk)) await new Promise((drained) => output.once("drain", drained));
    }
    return headers;
  }

  /** The answer as it arrives; who stops reading breaks it off. Throws what the server said was wrong. */
  async open(call: SocketRequest): Promise<SocketAnswer> {
    const response = await this.#send(call);
    if ((response.statusCode ?? 500) < 400) {
      return { headers: response.headers, chunks: wholeAnswer(response) };
    }
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    throw serverError(Buffer.concat(chunks).toString("utf8"));
  }

  #send(call: SocketRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = call.text === undefined ? jsonHeaders(call) : { "content-type": "text/dns" };
      const outgoing = request(
        { socketPath: this.#socket, method: call.method, path: call.path, headers },
        resolve,
      );
      outgoing.on("error", (error: NodeJS.ErrnoException) => reject(this.#unreachable(error)));
      if (call.text !== undefined) {
        call.text.on("error", (error) => {
          outgoing.destroy();
          reject(error);
        });
        call.text.pipe(outgoing);
      } else outgoing.end(call.body === undefined ? undefined : JSON.stringify(call.body));
    });
  }

  #unreachable(error: NodeJS.ErrnoException): WindhoverError {
    return new WindhoverError(ErrorCode.listen, unreachable(this.#socket, error), { cause: error });
  }
}

/** Of what a call threw: whether it means that no server runs. One that is busy, or not for this user, does. */
export function isNoServer(error: unknown): boolean {
  return error instanceof WindhoverError && error.cause !== undefined && saysNobody(error.cause);
}

function unreachable(socket: string, error: NodeJS.ErrnoException): string {
  const { code, message } = error;
  if (saysNobody(error)) {
    return `no server listens on ${socket}; start one with \`windhover serve\`, or name its socket with --socket`;
  }
  if (code === "EACCES") {
    return `this user may not open ${socket}; be root or the user that the server runs as`;
  }
  return `cannot speak to the server on ${socket}: ${message}`;
}

/** Half an answer is an error, not an answer. */
async function* wholeAnswer(response: IncomingMessage): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    const message = `the server's answer ended early: ${errorMessage(error)}; its log says more`;
    throw new WindhoverError(ErrorCode.listen, message, { cause: error });
  }
}

function jsonHeaders(call: SocketRequest): Record<string, string> {
  return call.body === undefined ? {} : { "content-type": "application/json" };
}

function serverError(content: string): WindhoverError {
  try {
    const { code, message } = JSON.parse(content) as { code: ErrorCode; message: string };
    return new WindhoverError(code, message);
  } catch {
    return new WindhoverError(
      ErrorCode.badRequest,
      `the server answered: ${content.slice(0, 200)}`,
    );
  }
}
