/** What goes wrong: with the network, the store, its replicas, the nodes, and what operators do besides. */
import type { Run } from "./run.ts";

export type Fault = (run: Run) => void;

/** By name, so that the seed chooses which of them a run has. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  "requests are lost": ({ service, world }) => {
    service.faults.requestLost = world.random.pick([0, 50, 300]);
  },
  "replies are lost": ({ service, world }) => {
    service.faults.replyLost = world.random.pick([0, 50, 300]);
  },
  "hints are lost": ({ service, world }) => {
    service.faults.hintLost = world.random.pick([0, 200, 1_000]);
  },
  "hints come twice": ({ service }) => {
    service.faults.hintTwice = 500;
  },
  "a node is cut off": ({ service, nodes, world }) => service.cut(world.random.pick(nodes).index),
  "a cut heals": ({ service, nodes, world }) => service.join(world.random.pick(nodes).index),
  "the store is down": ({ service }) => {
    service.isDown = true;
  },
  "the store is back": ({ service }) => {
    service.isDown = false;
  },
  "the store is read-only": ({ service }) => {
    service.refusal = "READONLY You can't write against a read only replica";
  },
  "the store is out of memory": ({ service }) => {
    service.refusal = "OOM command not allowed when used memory > 'maxmemory'";
  },
  "the disk is full": ({ service }) => {
    service.refusal = "No space left on device";
  },
  "the store takes writes again": ({ service }) => {
    service.refusal = undefined;
  },
  "the store restarts": ({ service }) => {
    service.epoch++;
  },
  "the store restarts empty": (run) => run.replaceStore("nothing"),
  "a replica copies": ({ service }) => service.copy(),
  "a stale replica takes over": (run) => {
    if (run.service.copies > 0) run.replaceStore("newest");
  },
  "an old snapshot is restored": (run) => {
    if (run.service.copies > 0) run.replaceStore("oldest");
  },
  "the journal is trimmed": ({ service, world }) => service.trimJournal(1 + world.random.below(3)),
  "a node is killed": (run) => run.crash(run.world.random.pick(run.nodes)),
  "a node is killed in a commit": (run) => run.crashInCommit(),
  "killed nodes start": ({ nodes }) => {
    for (const node of nodes) if (!node.isRunning) node.start();
  },
  "a clock jumps": ({ nodes, world }) => {
    world.random.pick(nodes).skewMs = world.random.pick([-1, 1]) * world.random.below(86_400_000);
  },
  "a zone is made": (run) => run.create(run.anyOrigin()),
  "a zone is deleted": (run) => run.delete(run.anyOrigin()),
};

/** Of these a store with replicas has some as well. */
export const REPLICA_FAULTS: Readonly<Record<string, Fault>> = {
  "the best replica takes over": (run) => run.failOver("best"),
  "any replica takes over": (run) => run.failOver("any"),
  "replicas are cut off": ({ service }) => service.replicas.cutSome(),
  "all replicas are joined": ({ service }) => service.replicas.joinAll(),
  "replicas are waited for less long": ({ service, world }) => {
    service.replicas.impatience = world.random.pick([100, 400, 1_000]);
  },
};

/** After these the store may lack what was confirmed. */
export const LOSING = [
  "the store restarts empty",
  "a stale replica takes over",
  "an old snapshot is restored",
  "any replica takes over",
];
