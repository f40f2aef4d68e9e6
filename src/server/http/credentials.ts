/** The credentials a request carries, in the order in which they are tried. */
import { decodeText, type RequestParameters } from "./request-parameters.ts";

export type Credential =
  | { readonly kind: "basic"; readonly user: string; readonly secret: string }
  | { readonly kind: "token"; readonly secret: string };

/** Basic, Bearer and deSEC's `Token` (RFC 7617, RFC 6750). A header that is none of these is no credential. */
export function headerCredential(authorization: string | undefined): Credential | undefined {
  const [, scheme = "", value = ""] = /^\s*(\S+)\s+(\S.*?)\s*$/.exec(authorization ?? "") ?? [];
  switch (scheme.toLowerCase()) {
    case "basic":
      return basicCredential(value);
    case "bearer":
    case "token":
      return { kind: "token", secret: value };
    default:
      return undefined;
  }
}

/** What dyndns2 clients send: the header, or else names and secrets among the parameters. */
export function requestCredentials(
  authorization: string | undefined,
  parameters: RequestParameters,
  firstHost: string | undefined,
): readonly Credential[] {
  return [headerCredential(authorization), ...parameterCredentials(parameters, firstHost)].filter(
    (credential) => credential !== undefined,
  );
}

function* parameterCredentials(
  parameters: RequestParameters,
  firstHost: string | undefined,
): Iterable<Credential> {
  const secret = parameters.first("password", "pass", "passwd", "pw");
  const user = parameters.first("username", "user", "login");
  if (user !== undefined && secret !== undefined) yield { kind: "basic", user, secret };
  const token = parameters.first("token", "key", "apikey");
  if (token !== undefined) yield { kind: "token", secret: token };
  if (user === undefined && secret !== undefined) {
    yield { kind: "basic", user: firstHost ?? "", secret };
  }
}

function basicCredential(value: string): Credential | undefined {
  const text = decodeText(Buffer.from(value, "base64"));
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  return { kind: "basic", user: text.slice(0, colon), secret: text.slice(colon + 1) };
}
