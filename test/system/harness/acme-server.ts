/** Pebble, the test-only ACME server: it proves dns-01 challenges by asking the name server under test. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./ports.ts";
import { Daemon, run, until } from "./program.ts";

/** Nothing at random: no naps before a validation, no nonce refused for practice, no authorization used again. */
const STEADY = { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0", PEBBLE_AUTHZREUSE: "0" };

export class AcmeServer {
  readonly url: string;
  /** The certificate of the ACME server's own HTTPS port, which clients must be told to trust. */
  readonly authority: string;
  readonly #daemon: Daemon;

  private constructor(url: string, authority: string, daemon: Daemon) {
    this.url = url;
    this.authority = authority;
    this.#daemon = daemon;
  }

  static async start(dnsPort: number): Promise<AcmeServer> {
    const directory = mkdtempSync(join(tmpdir(), "windhover-acme-"));
    makeCertificate(directory);
    const port = await freePort();
    const pebble = {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${await freePort()}`,
      certificate: join(directory, "cert.pem"),
      privateKey: join(directory, "key.pem"),
      httpPort: await freePort(),
      tlsPort: await freePort(),
      ocspResponderURL: "",
      externalAccountBindingRequired: false,
    };
    const config = join(directory, "pebble.json");
    writeFileSync(config, JSON.stringify({ pebble }));
    const args = ["-config", config, "-dnsserver", `127.0.0.1:${dnsPort}`];
    const daemon = new Daemon("pebble", args, { env: STEADY });
    await until("the ACME server to listen", () => {
      if (!daemon.isRunning) throw new Error(`pebble ended:\n${daemon.output}`);
      return daemon.output.includes("ACME directory available");
    });
    return new AcmeServer(`https://127.0.0.1:${port}/dir`, pebble.certificate, daemon);
  }

  get output(): string {
    return this.#daemon.output;
  }

  async stop(): Promise<void> {
    await this.#daemon.end();
  }
}

function makeCertificate(directory: string): void {
  const args = ["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=acme server"];
  args.push("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1");
  args.push("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem");
  const made = run("openssl", args, { cwd: directory });
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
}
