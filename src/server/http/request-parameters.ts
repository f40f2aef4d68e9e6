/**
 * The parameters of a request, wherever the client put them: query, form, multipart or JSON. The declared content
 * type is not believed, because too many clients send a wrong one; the body's own form decides.
 */
import { isUtf8 } from "node:buffer";
import { Busboy } from "@fastify/busboy";
import { ErrorCode, WindhoverError } from "../../base/errors.ts";
import { Limits } from "../../base/limits.ts";

export interface ParameterSource {
  readonly query: string;
  readonly body: Uint8Array;
  readonly contentType: string;
}

type Pair = readonly [name: string, value: string];

/** Names are compared without case; values are as sent, decoded. */
export class RequestParameters {
  readonly #values = new Map<string, string[]>();
  /** The first parameter without `=`: some routers send nothing but a host name there. */
  readonly bareName: string | undefined;

  constructor(pairs: readonly Pair[], bareName?: string) {
    if (pairs.length > Limits.httpParameters) {
      throw badRequest(`more than ${Limits.httpParameters} parameters`);
    }
    this.bareName = bareName;
    for (const [name, value] of pairs) {
      const key = name.toLowerCase();
      const values = this.#values.get(key);
      if (values === undefined) this.#values.set(key, [value]);
      else values.push(value);
    }
  }

  /** The first of these names that has a value that is not empty. */
  first(...names: readonly string[]): string | undefined {
    return this.all(...names)[0];
  }

  /** Every value, empty ones left out, of the first of these names that has any. */
  all(...names: readonly string[]): readonly string[] {
    for (const name of names) {
      const values = this.#values.get(name)?.filter((value) => value.trim() !== "");
      if (values !== undefined && values.length > 0) return values;
    }
    return [];
  }

  /** Whether the parameter says yes, in one of the ways clients say it. */
  isOn(name: string): boolean {
    return /^(1|on|yes|true)$/i.test(this.first(name)?.trim() ?? "");
  }
}

/** Query first, then body. Throws `bad-request` for too many parameters or a body that cannot be read. */
export async function readParameters(source: ParameterSource): Promise<RequestParameters> {
  const query = parsePairs(source.query);
  const body = await readBody(source);
  const bare = source.query.split("&", 1)[0] as string;
  const bareName = bare === "" || bare.includes("=") ? undefined : decodeComponent(bare);
  return new RequestParameters([...query, ...body], bareName);
}

async function readBody({ body, contentType }: ParameterSource): Promise<readonly Pair[]> {
  if (/^\s*multipart\/form-data\s*;/i.test(contentType)) return readMultipart(body, contentType);
  if (body.length === 0) return [];
  const text = Buffer.from(body).toString("utf8").trim();
  return text.startsWith("{") ? readJson(text) : parsePairs(text);
}

/** `application/x-www-form-urlencoded`, bounded before it is decoded. */
function parsePairs(text: string): readonly Pair[] {
  if (text === "") return [];
  const parts = text.split("&", Limits.httpParameters + 1).filter((part) => part !== "");
  return parts.map((part) => {
    const at = part.indexOf("=");
    if (at < 0) return [decodeComponent(part), ""];
    return [decodeComponent(part.slice(0, at)), decodeComponent(part.slice(at + 1))];
  });
}

const ENCODED = /[+%]/;

/** `+` is a space; a `%` without two hex digits is itself; octets that are not UTF-8 are read as Latin-1. */
export function decodeComponent(text: string): string {
  if (!ENCODED.test(text)) return text;
  const spaced = text.replaceAll("+", " ");
  return spaced.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    decodeText(Buffer.from(escapes.replaceAll("%", ""), "hex")),
  );
}

/** UTF-8, or Latin-1 for clients older than that. */
export function decodeText(octets: Buffer): string {
  return octets.toString(isUtf8(octets) ? "utf8" : "latin1");
}

/** An object of plain values or lists of them; anything deeper means nothing here and is passed over. */
function readJson(text: string): readonly Pair[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest("the body begins like JSON but is not");
  }
  return Object.entries(value as object).flatMap(([name, member]) =>
    (Array.isArray(member) ? member : [member])
      .filter(isPlain)
      .map((each): Pair => [name, `${each}`]),
  );
}

function isPlain(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

/** RFC 7578. Files are passed over. */
function readMultipart(body: Uint8Array, contentType: string): Promise<readonly Pair[]> {
  return new Promise((resolve, reject) => {
    const unreadable = () => reject(badRequest("the multipart body cannot be read"));
    try {
      const pairs: Pair[] = [];
      const parser = new Busboy({
        headers: { "content-type": contentType },
        limits: { fields: Limits.httpParameters + 1, files: 0, fieldSize: Limits.httpBody },
      });
      parser.on("field", (name, value) => pairs.push([name, value]));
      parser.on("error", unreadable);
      parser.on("finish", () => resolve(pairs));
      parser.end(Buffer.from(body));
    } catch {
      unreadable();
    }
  });
}

function badRequest(problem: string): WindhoverError {
  return new WindhoverError(ErrorCode.badRequest, problem);
}
