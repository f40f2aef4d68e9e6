/** Certificates made for one test, by the system's openssl. */
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestCertificate {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

/** A self-signed certificate and its key. `notAfter` as `-days`: a negative number makes one that has expired. */
export function makeCertificate(name: string, days = 30): TestCertificate {
  const directory = mkdtempSync(join(tmpdir(), "windhover-certificate-"));
  const certificate = join(directory, "cert.pem");
  const key = join(directory, "key.pem");
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const files = ["-keyout", key, "-out", certificate];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name},IP:127.0.0.1`];
  const args = ["req", "-x509", ...curve, ...files, ...subject, "-days", String(days)];
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  return { certificate, key };
}
