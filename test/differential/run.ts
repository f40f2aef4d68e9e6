/**
 * A differential run: in each round new zones are made and loaded by all the servers, the same questions are put to
 * each, and our answers are judged by theirs. Truncated answers are asked for again over TCP.
 */

import { nameKey, parseName } from "../../src/wire/name.ts";
import { askAll } from "./ask.ts";
import { Chance } from "./chance.ts";
import { findCrossing } from "./crossing.ts";
import { judge } from "./judge.ts";
import { type NormalForm, normalForm } from "./normal-form.ts";
import { PEERS, type PeerName, type Server } from "./peer.ts";
import { generateQuestions, type Question } from "./question-generator.ts";
import { startPeer } from "./start-peers.ts";
import { startWindhover } from "./start-windhover.ts";
import { Tally } from "./tally.ts";
import { type GeneratedZone, generateZones } from "./zone-generator.ts";

export interface RunOptions {
  readonly seed: number;
  readonly questions: number;
  /** Questions to one set of zones. */
  readonly perRound?: number;
  readonly peers?: readonly PeerName[];
}

const PER_ROUND = 10_000;
/** A truncated answer is asked for again, and a chain may lead through several zones. */
const PASSES = 8;

export async function runDifferential(options: RunOptions): Promise<Tally> {
  const tally = new Tally();
  const perRound = options.perRound ?? PER_ROUND;
  for (let round = 0; round * perRound < options.questions; round++) {
    const count = Math.min(perRound, options.questions - round * perRound);
    // Far apart, so that a run does not repeat the rounds of its neighbour.
    const chance = new Chance(options.seed * 1_000_003 + round);
    await runRound(chance, count, options.peers ?? PEERS, tally);
  }
  return tally;
}

async function runRound(
  chance: Chance,
  count: number,
  peers: readonly PeerName[],
  tally: Tally,
): Promise<void> {
  const zones = generateZones(chance);
  const servers: Server[] = [];
  try {
    const starting = [startWindhover(zones), ...peers.map((name) => startPeer(name, zones))];
    const started = await Promise.allSettled(starting);
    for (const each of started) if (each.status === "fulfilled") servers.push(each.value);
    for (const each of started) if (each.status === "rejected") throw each.reason;
    const questions = [...generateQuestions(chance, zones, count)];
    await compare(questions, zones, servers, tally);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function compare(
  questions: readonly Question[],
  zones: readonly GeneratedZone[],
  servers: readonly Server[],
  tally: Tally,
): Promise<void> {
  let asked = questions;
  for (let pass = 0; asked.length > 0 && pass < PASSES; pass++) {
    asked = await compareOnce(asked, zones, servers, tally);
  }
  const dead = servers.filter((server) => !server.isRunning);
  if (dead.length > 0) throw new Error(`${dead.map(({ name }) => name)} ended during the run`);
}

/** Returns what is to be asked next: over TCP what was truncated, and what answers have led to. */
async function compareOnce(
  questions: readonly Question[],
  zones: readonly GeneratedZone[],
  servers: readonly Server[],
  tally: Tally,
): Promise<Question[]> {
  const answers = await Promise.all(
    servers.map(async (server) => [server, await askAll(server.port, questions)] as const),
  );
  const again: Question[] = [];
  const origins = zones.map(({ origin }) => parseName(origin));
  const owners = new Set(zones.flatMap((zone) => zone.owners));
  const originKeys = new Set(origins.map(nameKey));
  const numbers = Math.max(...questions.map(({ number }) => number)) + 1;
  for (const question of questions) {
    const forms = answers.map(
      ([server, responses]) =>
        [server.name, normalForm(responses.get(question.number), originKeys)] as const,
    );
    const ours = forms.find(([name]) => name === "Windhover")?.[1] as NormalForm;
    const absent = peersWithout(zones, question.qname);
    // With fewer peers there is no choice whom to follow: only what all do alike is compared.
    if (absent.length > 0 && !question.isOrdinary) continue;
    const theirs = new Map(
      forms.filter(([name]) => name !== "Windhover" && !absent.includes(name as PeerName)),
    ) as Map<PeerName, NormalForm>;
    const crossing = findCrossing(question, ours, origins);
    const next = judge({ question, ours, theirs, crossing, owners }, tally);
    if (next !== undefined) again.push(next(numbers + again.length));
    const isCut = [ours, ...theirs.values()].some(
      (form) => form.kind === "reply" && form.isTruncated,
    );
    if (isCut && question.transport === "udp")
      again.push({ ...question, transport: "tcp", limit: 65_535 });
  }
  return again;
}

/** Peers that do not have the zone a name falls into. */
function peersWithout(
  zones: readonly GeneratedZone[],
  qname: string | undefined,
): readonly PeerName[] {
  if (qname === undefined) return [];
  const zone = zones.find(({ origin }) => qname === origin || qname.endsWith(`.${origin}`));
  return zone?.refusedBy ?? [];
}
