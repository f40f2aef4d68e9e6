/** Who asked, as the transport knows it. One object per socket, filled anew for each message: keep nothing of it. */
export const Transport = { udp: 0, tcp: 1, tls: 2 } as const;
export type Transport = (typeof Transport)[keyof typeof Transport];

export interface Client {
  transport: Transport;
  /** The client's address as text without port, IPv4-mapped addresses as IPv4. */
  address: string;
  port: number;
}
