/** The targets that run in one process. The running server is `fuzz-server.ts`. */
import type { FuzzTarget } from "./target.ts";
import { framingTarget } from "./targets/framing.ts";
import { messageTarget } from "./targets/message.ts";
import { nameTarget } from "./targets/name.ts";
import { tsigTarget } from "./targets/tsig.ts";
import { updateTarget } from "./targets/update.ts";
import { zoneFileTarget } from "./targets/zone-file.ts";

export const TARGETS: readonly FuzzTarget[] = [
  messageTarget,
  nameTarget,
  zoneFileTarget,
  updateTarget,
  tsigTarget,
  framingTarget,
];
