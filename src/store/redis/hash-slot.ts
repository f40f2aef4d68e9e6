/** Which of a Cluster's 16,384 slots a key is in: CRC-16/XMODEM of what stands between its first braces, or of all of it. */

const SLOTS = 16_384;
const POLYNOMIAL = 0x1021;

export function hashSlot(key: string): number {
  const tag = /^[^{]*\{([^}]+)\}/.exec(key)?.[1] ?? key;
  let crc = 0;
  for (const octet of Buffer.from(tag, "utf8")) {
    crc ^= octet << 8;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ POLYNOMIAL;
    }
    crc &= 0xffff;
  }
  return crc % SLOTS;
}
