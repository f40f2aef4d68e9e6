/** Help texts: what each command does and one example each. */

export const USAGE = `windhover — authoritative DNS server with dynamic updates built in

  windhover serve [--config FILE]        answer and take updates until stopped
  windhover zone  COMMAND …              import, export, list, check, delete, show;
                                         history, diff, revert, recover, label
  windhover key   COMMAND …              TSIG keys: add, list, remove
  windhover token COMMAND …              update tokens: add, list, revoke; hash a password
  windhover reload [--check]             take the changed configuration file over
  windhover backup [FILE]                everything in one file, while the server goes on
  windhover restore FILE                 back from there; --check looks at the file alone
  windhover move --from STORE --to STORE from a directory to Redis, or back
  windhover --version

Each command explains itself with --help. All but \`serve\`, \`move\`, \`zone check\` and \`token hash\` speak to
the running server over its Unix socket: --socket PATH, else the one the configuration names. \`backup\` and
\`restore\` open the store themselves where no server runs.
`;

export const COMMAND_USAGE: Readonly<Record<string, string>> = {
  serve: `windhover serve [--config FILE] [--check]

Without --config, windhover.yaml in this directory is read if it is there. With nothing configured at all, the
server makes an example zone, a host and a token, and prints the commands that show it working.

The file is taken over again when it changes, on SIGHUP and by \`windhover reload\`: whole or not at all. --check
reads it, the zone files it names and the certificate, and says what is wrong with them, without a server.
`,
  reload: `windhover reload [--check]

The running server reads its configuration file anew and takes over what changed, whole or not at all: with a
mistake anywhere nothing changes, and the mistake is told. What only a restart changes is named. --check tells what
a reload would do and does nothing.
`,
  backup: `windhover backup [FILE|-] [--zone ORIGIN …] [--without-credentials] [--skip-unreadable]
windhover backup --verify FILE

Zones, each as it is at one serial, with their history and labels; keys, tokens, users. The server goes on answering
and taking updates. It is text: a zone file with comments, which end with digests, so that a file that is cut off or
was changed is noticed. With a FILE that ends in .gz it is compressed. FILE gets its name when all of it is on the disk,
and only its owner may read it; without FILE, or with -, it goes to standard output.

  --zone ORIGIN           only this zone and its labels, no credentials; may be repeated
  --without-credentials   no keys, tokens, users and hosts
  --skip-unreadable       leave out zones that cannot be read, instead of stopping there
  --store STORE           read this directory or redis:// URL itself; so it is also where no server runs
  --verify FILE           read FILE whole and say what is in it, or what is wrong with it

Example:
  windhover backup /var/backups/windhover.gz
`,
  restore: `windhover restore FILE [--zone ORIGIN …] [--replace] [--store STORE]
windhover restore --check FILE

FILE is read whole before anything is written. A zone that is not there is made as it was: serial, history and labels.
One that was deleted later than FILE was made gets a serial behind that, and a new history. One that is there, and not
as in FILE, stops all of it before it begins.

  --replace               make zones that are there what they were, by one change each: serial and history go on;
                          and keys, tokens and the like of the same name
  --zone ORIGIN           only this zone and its labels; may be repeated
  --store STORE           into this directory or redis:// URL itself; without, into the running server, or into the
                          store of the configuration where none runs
  --check                 say what is in FILE, or what is wrong with it, and do nothing

Broken off, it leaves whole zones only, and can be begun again.
`,
  move: `windhover move --from STORE --to STORE [--zone ORIGIN …] [--replace]

Copies zones, histories, labels, keys, tokens and users from one store to another, reads them back and compares. STORE is
a directory or a URL (redis://, rediss://, redis+sentinel://, redis+cluster://). Stop the server first: a directory that
is in use is refused. Where servers go on changing a Redis, what they changed is copied again; if that does not end, it
is said. The source stays as it is. Broken off, it can be begun again: what is there already is compared.

  --zone ORIGIN           only this zone, and no keys, tokens and users; may be repeated
  --replace               give up other zones and documents of the same name that the target has

Example:
  windhover move --from ./data --to redis://127.0.0.1:6379/0
`,
  zone: `windhover zone import ORIGIN FILE       make the zone, or change it to what FILE says (one atomic change)
windhover zone export ORIGIN [--at POINT] [--journal FILE]
                                        print the zone as a zone file; its journal goes to FILE, a line of
                                        JSON for each change
windhover zone show ORIGIN [--name NAME] [--type TYPE] [--at POINT]
                                        print some of it
windhover zone list                     zones with serials and sizes
windhover zone check ORIGIN FILE        read and check FILE without a server
windhover zone delete ORIGIN            end the zone, its records and its history

windhover zone history ORIGIN [--name NAME] [--type TYPE] [--actor ACTOR] [--address ADDRESS]
               [--since TIME] [--until TIME] [--limit N] [--json]
                                        who changed what, newest first; 20 unless told otherwise
windhover zone history ORIGIN --refused [--limit N] [--json]
                                        updates that this server refused lately (kept in memory), and why
windhover zone diff ORIGIN POINT [POINT] [--json]
                                        what was removed (-) and added (+) from one to the other, or to now
windhover zone revert ORIGIN --to POINT [--name NAME …] [--dry-run] [--json]
                                        put the zone, or these names, back as they were
windhover zone revert ORIGIN --change SEQUENCE [--force] [--dry-run] [--json]
                                        undo one change; where later changes are in the way, --force puts
                                        the RRsets it touched back as they were before it
windhover zone recover ORIGIN [--dry-run] [--discard] [--json]
                                        take back what a store acknowledged and then lost, as far as a node
                                        still had it and nothing newer is in its place; or give it up
windhover zone label ORIGIN add NAME [POINT] | list | remove NAME
                                        names for points

POINT is a serial, "#SEQUENCE" as history shows it (in quotes, or @SEQUENCE), a time, a label, or now. A TIME is
2026-03-01T14:00:00Z or less of it (UTC unless it says otherwise), or how long ago: 90m, 2h, 1d12h. NAME is whole or
without the origin; @ is the apex.

A revert is a change like any other: it has its own serial and entry, goes out to secondaries, and can be reverted.

Examples:
  windhover zone import dyn.example.com zones/dyn.example.com.zone
  windhover zone history dyn.example.com --name www --since 7d
  windhover zone revert dyn.example.com --change 42 --dry-run
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
