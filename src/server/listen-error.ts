/** What to tell a person when an address cannot be listened on. */
import { ErrorCode, errorMessage, WindhoverError } from "../base/errors.ts";
import { formatSocketAddress, type SocketAddress } from "../base/socket-address.ts";

export type ListenProtocol = "UDP" | "TCP" | "TLS" | "HTTP";

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE:
    "another program listens there; stop it, or choose another address or port in the configuration",
  EACCES:
    "this user may not open it; ports below 1024 need root or CAP_NET_BIND_SERVICE, or choose a higher port",
  EADDRNOTAVAIL:
    "no interface of this machine has that address; correct the address in the configuration",
  EAFNOSUPPORT:
    "this machine does not speak that address family; remove the address from the configuration",
};

export function listenError(
  protocol: ListenProtocol,
  where: SocketAddress,
  cause: unknown,
): WindhoverError {
  const advice = ADVICE[systemCode(cause)] ?? errorMessage(cause);
  const message = `cannot listen on ${protocol} ${formatSocketAddress(where)}: ${advice}`;
  return new WindhoverError(ErrorCode.listen, message, { cause });
}

/** The `errno` name of a failed system call, or an empty string. */
export function systemCode(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}
