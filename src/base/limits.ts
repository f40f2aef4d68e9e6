/**
 * Every bound of the server, with its reason. Each has a test at the limit and one past it. A bound is
 * hard: configuration may not raise it; where an operator may choose, `config/` holds the choice.
 */
export const Limits = {
  /** RFC 1035 §2.3.4: octets of a name on the wire, root label included. */
  nameLength: 255,
  /** RFC 1035 §2.3.4: octets of a label. */
  labelLength: 63,
  /** A 255-octet name holds at most 127 one-octet labels and the root. */
  labels: 128,
  /** Each pointer must lead backwards, and no name has more labels than this, so more hops are an attack. */
  pointerHops: 127,
  /** TCP's two-byte length (RFC 1035 §4.2.2). */
  messageLength: 65_535,
  /** RFC 1035 §4.2.1: what a client without EDNS accepts over UDP. */
  udpPayload: 512,
  /** RFC 9715 and DNS Flag Day 2020: what crosses every path without fragments. */
  ednsPayload: 1232,
  /** CNAME and DNAME links followed inside our zones in one answer: no honest chain is as long. */
  aliasChain: 20,
  /** Targets of one MX, SRV, SVCB or HTTPS RRset whose addresses are added; the client can ask for more. */
  additionalTargets: 32,
  /** RFC 2181 §8: a TTL has 31 bits. */
  ttl: 0x7fff_ffff,
  /** RRs of one RRset: 65,535 octets hold at most this many addresses with owner pointers. */
  rrsetRecords: 4_000,
  /** Octets of one RRset's rdata in wire form: it must fit one message with room for the rest. */
  rrsetBytes: 60_000,
  /** RRsets at one owner: more is no real name (BIND CVE-2024-1737). */
  nameRRsets: 100,
  /** RRsets of one zone; the table has room for about twice as many. Configuration may choose less. */
  zoneRRsets: 20_000_000,
  /** Octets of one zone in the table: others must have room beside it. */
  zoneBytes: 3 * 1024 * 1024 * 1024,
  /** The part of the table that updates may fill; the rest is for what follows from changes that are durable. */
  tableUse: 0.9,
  /** RRs in the prerequisite and update sections of one UPDATE: what fits 64 KiB, with a round number. */
  updateRecords: 5_000,
  /** Updates waiting for one zone; past it the sender is told to come again (SERVFAIL, 503). */
  updateQueue: 8_192,
  /** Updates of one principal waiting for one zone: nobody fills the queue alone. */
  updateQueuePerPrincipal: 2_048,
  /** Updates drained into one commit: a commit stays below some tens of milliseconds. */
  updateBatch: 1_024,
  /** Times a commit is tried again after another writer was first. */
  commitAttempts: 8,
  /** Versions of a zone that a node remembers to have shown, to find where a store's history leaves its own. */
  shownVersions: 256,
  /** RRsets kept of what a store lost of a zone; past it only their number is told. */
  lostRRsets: 10_000,
  /**
   * RRsets of what stores lost that wait in memory while no store takes documents, each part counted as one at least: some
   * tens of megabytes. Past it only their number is told.
   */
  lostInMemory: 100_000,
  /** Journal entries one read returns; a reader asks again for more. */
  journalPage: 1_000,
  /** Journal entries kept for one zone at most; configuration chooses, 10,000 when it says nothing. */
  journalEntries: 1_000_000,
  /** Days that journal entries are kept at most: a century. */
  journalDays: 36_525,
  /** Journal entries that a commit removes beyond as many as it adds: bounds what shortening a journal costs. */
  journalTrim: 100,
  /** Journal entries that one search of the history looks at; the asker goes on from there. */
  historyScan: 10_000,
  /** RRs after which one answer of the history ends: some megabytes of text. */
  historyRecords: 20_000,
  /** RRs that the history shows of one entry; an import may have millions, which the exported journal has. */
  historyEntryRecords: 1_000,
  /** Milliseconds by which times of entries may be out of order, because several servers wrote them. */
  historyClockMs: 3_600_000,
  /** RRs by which two points of a zone's history may differ: they are held in memory, some 600 octets each. */
  historyDifference: 500_000,
  /** Labels of one zone's history. */
  zoneLabels: 1_000,
  /** Refused updates that are remembered, in memory: about a megabyte. */
  refusedUpdates: 1_000,
  /** Exports under way at once: each keeps what updates replace meanwhile in memory. */
  zoneExports: 16,
  /** Milliseconds an export may take. */
  zoneExportMs: 3_600_000,
  /** Octets of one line of a backup: the longest documents are of what a store lost, some megabytes. */
  backupLine: 256 * 1024 * 1024,
  /** Octets of the identifier of a stored document: a name of 255 octets, each written as `\\DDD`. */
  documentId: 1_024,
  /** Documents of one kind that a node remembers to have ended, not to let an old copy of the store bring them back. */
  pastDocuments: 10_000,
  /** RRsets of one transaction while a zone is made or taken away: some megabytes, some milliseconds. */
  storeBatch: 10_000,
  /** Octets of one transaction while a zone is made. */
  storeBatchBytes: 8 * 1024 * 1024,
  /** Octets of one half of the embedded store's log: read at start, and what a disk must have room for. */
  commitLogHalf: 8 * 1024 * 1024,
  /** Milliseconds between looks whether the embedded store can be written. */
  storeProbeMs: 1_000,
  /** Octets of a commit in that log; a larger one goes past it. */
  loggedCommit: 1024 * 1024,
  /**
   * Records of a whole zone that are read, checked, or put into the table before TCP, HTTP and other zones have their
   * turn: some milliseconds. A turn costs about as much as reading five records.
   */
  zoneSlice: 2_000,
  /** RRsets that loading a zone hands over at once: below a millisecond or two of work. */
  loadBatch: 2_000,
  /** Milliseconds that Redis may take to accept a connection. */
  redisConnectMs: 5_000,
  /**
   * Milliseconds after which a handshake with Redis is suspected to wait for a port that speaks no TLS, and that a look
   * at how a port speaks may take.
   */
  redisTransportMs: 1_000,
  /** Milliseconds that Redis may take to answer a command; past it the outcome is unknown. */
  redisCommandMs: 10_000,
  /** Milliseconds between attempts to reach a lost Redis grow up to this. */
  redisReconnectMs: 2_000,
  /** Milliseconds between two looks at what others changed in Redis, a quarter more or less. */
  redisCompareMs: 2_000,
  /** Zones that one such look compares: below a millisecond of Redis' time. */
  redisComparePage: 1_000,
  /** Times a script is sent again to where a Cluster says its slot has gone. */
  redisRedirections: 8,
  /** Replicas of a Redis that a commit may wait for: no real one has as many. */
  redisReplicas: 100,
  /** Seconds after which Redis forgets the half of a zone that a dead process was making or loading. */
  redisLeftoverSeconds: 3_600,
  /** Host names in one dyndns2 call (Dyn's own documented bound). */
  dyndnsHosts: 20,
  /** Octets of an HTTP request body at the update doors; a real one has under 1 KiB. */
  httpBody: 16_384,
  /** Octets of an HTTP request's headers and target. */
  httpHeaders: 16_384,
  /** Parameters in one HTTP request, query and body together. */
  httpParameters: 100,
  /** Octets of a zone file sent to the administrative socket. */
  zoneFileBody: 512 * 1024 * 1024,
  /** Passwords checked at once: argon2id costs tens of MiB and tens of milliseconds each. */
  passwordChecks: 2,
  /** Password checks waiting; past it the answer is 503, so that a flood cannot starve the server. */
  passwordQueue: 32,
  /** Passwords remembered as right, so that a client calling every few minutes costs no argon2. */
  passwordCache: 1_024,
  /** KiB of memory a stored argon2id hash may ask for: 1 GiB. */
  passwordMemoryKib: 1_048_576,
  /** Passes a stored argon2id hash may ask for. */
  passwordPasses: 100,
  /** Characters of a plain token from the configuration that may be used without its user name. */
  tokenLength: 16,
  /** Wrong credentials from one client address in a minute; more are refused unread, machine tokens excepted. */
  authFailures: 20,
  /** Client addresses whose wrong credentials are counted; the one idle longest makes room. */
  authFailureAddresses: 10_000,
  /** Addresses of one family in one dyndns2 call. */
  dyndnsAddresses: 8,
  /** Milliseconds a node's clock may be off in a report. */
  reportClockMs: 600_000,
  /** Nodes whose last report is remembered; the one idle longest makes room. */
  reportNodes: 100_000,
  /** HTTP connections at once. */
  httpConnections: 1_024,
  /** Header lines of an HTTP request. */
  httpHeaderLines: 100,
  /** Milliseconds an HTTP request's headers may take to arrive. */
  httpHeadersMs: 10_000,
  /** Milliseconds a whole HTTP request may take to arrive. */
  httpRequestMs: 20_000,
  /** Milliseconds an HTTP connection may be idle between requests. */
  httpIdleMs: 10_000,
  /** Octets of a UDP response we ever make: what EDNS lets a client ask for and peers still send. */
  udpResponse: 4_096,
  /** Octets asked of the kernel for waiting datagrams: some tens of milliseconds of a flood (it may grant less). */
  udpReceiveBuffer: 4 * 1024 * 1024,
  /** Octets of UDP responses the kernel would not take at once; past it they are dropped, as the network would. */
  datagramSendQueue: 1024 * 1024,
  /** Datagrams taken from the kernel, and given to it, at once. */
  datagramBatch: 64,
  /**
   * Datagrams of one worker waiting for the main thread; past it they are dropped, and clients ask again. In a flood of
   * them each waits behind so many: well below the three seconds after which nsupdate tries again.
   */
  deferredDatagrams: 4_096,
  /** Deferred datagrams that the main thread takes in one turn: a few milliseconds, then TCP and HTTP have theirs. */
  deferredPerTurn: 64,
  /** Milliseconds between two looks at how many datagrams the kernel has dropped. */
  dropSampleMs: 1_000,
  /** Milliseconds before a dead worker is first started again; doubled each time, up to the next bound. */
  workerRestartMs: 100,
  workerRestartMaxMs: 10_000,
  /** Milliseconds a worker gets to close its sockets when the server stops. */
  workerCloseMs: 2_000,
  /** Connections the kernel holds for us before they are accepted. */
  tcpBacklog: 1_024,
  /** Milliseconds that open TCP connections get to finish when the server stops. */
  tcpCloseMs: 5_000,
  /** TCP connections at once; the oldest idle one makes room. */
  tcpConnections: 1_024,
  /** TCP connections of one client address at once. */
  tcpConnectionsPerClient: 128,
  /** Answers a TCP connection may have waiting before we stop reading from it. */
  tcpPipeline: 64,
  /** RFC 7766 §6.2.3: milliseconds a TCP connection may be idle. */
  tcpIdleMs: 10_000,
  /** Milliseconds a started TCP message may take to arrive whole. */
  tcpMessageMs: 5_000,
  /** Octets after which a transfer begins its next message: compression pointers reach no farther. */
  transferMessage: 16_384,
  /** Transfers under way at once: each holds a version of a zone, or a difference, in memory. */
  transfers: 64,
  /** Milliseconds a transfer may take: what updates replace meanwhile stays in memory until it ends. */
  transferMs: 3_600_000,
  /** RRs of a difference sent as an incremental transfer, which is made in memory; more is a full transfer. */
  transferDifference: 50_000,
  /** Milliseconds until a NOTIFY that was not answered is sent again; doubled each time. */
  notifyRetryMs: 1_000,
  /** Times a NOTIFY is sent before the secondary counts as silent until the next change (RFC 1996 §3.6 has five). */
  notifyAttempts: 5,
  /** Milliseconds between an answered NOTIFY and the next to the same secondary for the same zone. */
  notifyIntervalMs: 100,
  /** NOTIFYs that wait for their answers at once; others wait for these. */
  notifyOutstanding: 256,
  /** Milliseconds a TLS handshake may take. */
  tlsHandshakeMs: 5_000,
  /** TLS handshakes under way at once; the oldest makes room. */
  tlsHandshakes: 256,
  /** TLS handshakes of one client address under way at once. */
  tlsHandshakesPerClient: 16,
  /** Milliseconds between looks at the configuration file. */
  configPollMs: 1_000,
  /** Milliseconds between looks at the certificate files. */
  certificatePollMs: 2_000,
  /** Octets of a certificate file or a key file; a real chain has some kilobytes. */
  certificateBytes: 1_048_576,
  /** Buckets of response rate limiting in a thread, 16 octets each; the one idle longest makes room. */
  rateLimitBuckets: 65_536,
  /** Seconds without a response held back after which rate limiting is over, and its next time is told again. */
  rateLimitQuietSeconds: 60,
  /** RFC 8945 §10: seconds of clock difference a TSIG allows. */
  tsigFudge: 300,
  /** RFC 8945 §5.3.1: messages without TSIG between two signed ones of one answer. */
  tsigUnsigned: 99,
  /** Octets of an extended error's text (RFC 8914): it must fit a 512-octet answer beside a long question. */
  extendedErrorText: 200,
  /** Files that may include each other ($INCLUDE), to end a loop. */
  includeDepth: 10,
  /** Octets of one line of a zone file: 65,535 octets of rdata, each written as `\\DDD`, four times over. */
  zoneFileLine: 1_048_576,
  /** Words of one zone file entry: the longest rdata, one octet a word, with room for the rest. */
  entryTokens: 66_000,
  /** Records one $GENERATE line may make. */
  generateRecords: 1_000_000,
  /** Zones of one server: beyond it the zone directory would need another form. */
  zones: 100_000,
  /** Threads that may read the zone table, the main thread included. */
  tableReaders: 64,
  /** Threads that answer over UDP: each has a reader slot of the table, and the main thread has one. */
  udpWorkers: 63,
} as const;
