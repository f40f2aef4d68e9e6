/** What an operator may choose about the HTTP doors, and may choose otherwise while they are open. */
import {
  type ClientAddress,
  createClientAddress,
  type ForwardedHeader,
  type RequestOrigin,
} from "./client-address.ts";

export interface HttpChoices {
  /** TTL in seconds of the records made here. */
  readonly ttl: number;
  readonly trustedProxies: readonly string[];
  readonly forwardedHeader?: ForwardedHeader;
  /** Whether `/metrics` is served here. */
  readonly metrics: boolean;
}

export class HttpSettings {
  #choices: HttpChoices;
  #clientAddress: ClientAddress;

  /** Throws `bad-config` for a trusted proxy that is no address. */
  constructor(choices: HttpChoices) {
    this.#choices = choices;
    this.#clientAddress = readProxies(choices);
  }

  readonly ttl = (): number => this.#choices.ttl;
  readonly hasMetrics = (): boolean => this.#choices.metrics;
  readonly clientAddress = (request: RequestOrigin): string => this.#clientAddress(request);

  /** Other choices, made when the returned function is called. Throws as the constructor. */
  prepare(choices: HttpChoices): () => void {
    const clientAddress = readProxies(choices);
    return () => {
      this.#choices = choices;
      this.#clientAddress = clientAddress;
    };
  }
}

function readProxies({ trustedProxies, forwardedHeader }: HttpChoices): ClientAddress {
  return createClientAddress(trustedProxies, forwardedHeader);
}
