/** The servers that are asked: what the runner needs to know of each. */
export type PeerName = "NSD" | "Knot" | "BIND";
export type ServerName = PeerName | "Windhover";

export const PEERS: readonly PeerName[] = ["Knot", "NSD", "BIND"];

/** A running server on a loopback port. */
export interface Server {
  readonly name: ServerName;
  readonly port: number;
  readonly isRunning: boolean;
  readonly output: string;
  stop(): Promise<unknown>;
}

/** What every server is told to answer in class CH. */
export const CHAOS_VERSION = "1.0";
export const CHAOS_IDENTITY = "ns1.example";
