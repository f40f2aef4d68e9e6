/** Help texts: what each command does and one example each. */

export const USAGE = `windhover — authoritative DNS server with dynamic updates built in

  windhover serve [--config FILE]        answer and take updates until stopped
  windhover zone  COMMAND …              import, export, list, check, delete, history
  windhover key   COMMAND …              TSIG keys: add, list, remove
  windhover token COMMAND …              update tokens: add, list, revoke; hash a password
  windhover --version

Each command explains itself with --help. All but \`serve\`, \`zone check\` and \`token hash\` speak to the
running server over its Unix socket: --socket PATH, else the one the configuration names.
`;

export const COMMAND_USAGE: Readonly<Record<string, string>> = {
  serve: `windhover serve [--config FILE]

Without --config, windhover.yaml in this directory is read if it is there. With nothing configured at all, the
server makes an example zone, a host and a token, and prints the commands that show it working.
`,
  zone: `windhover zone import ORIGIN FILE       make the zone, or change it to what FILE says (one atomic change)
windhover zone export ORIGIN            print the zone as a master file
windhover zone list                     zones with serials and sizes
windhover zone check ORIGIN FILE        read and check FILE without a server
windhover zone delete ORIGIN            end the zone, its records and its history
windhover zone history ORIGIN [--limit N] [--json]
                                        who changed what, newest first

Example:
  windhover zone import dyn.example.com zones/dyn.example.com.zone
`,
  key: `windhover key add NAME [--algorithm hmac-sha256] [--secret BASE64] GRANT …
windhover key list
windhover key remove NAME

Grants (at least one; the first three may be combined, types narrow all of them):
  --update-zone ZONE      update the apex and all below it
  --update-name NAME      update exactly NAME; '*.NAME' every owner below NAME
  --transfer-zone ZONE    transfer the zone
  --types A,AAAA          only these RR types

Example:
  windhover key add router --update-name home.dyn.example.com --types A,AAAA
`,
  token: `windhover token add [--label TEXT] [--host NAME] GRANT …
windhover token list
windhover token revoke ID
windhover token hash                    read a password from standard input, print its argon2id hash

Grants as in \`windhover key --help\`. --host names the node the token stands for and grants its A and AAAA.
The token is printed once and stored only as a hash.

Example:
  windhover token add --label router --update-name home.dyn.example.com --types A,AAAA
`,
};
