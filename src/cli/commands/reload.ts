/** `windhover reload`: the running server takes its configuration over, or says why it does not. */
import { parseArgs } from "node:util";
import { type CommandContext, oneArgument } from "../command.ts";
import { COMMAND_USAGE } from "../usage.ts";

interface ReloadOutcome {
  readonly changed: readonly string[];
  readonly needsRestart: readonly string[];
  readonly notes: readonly string[];
}

export async function reloadCommand(
  args: readonly string[],
  { client, out }: CommandContext,
): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { check: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help === true) {
    out.write(COMMAND_USAGE.reload ?? "");
    return;
  }
  if (positionals.length > 0) oneArgument(["reload", ...positionals], "nothing more");
  const path = values.check === true ? "/v1/reload?check=true" : "/v1/reload";
  const outcome = await client().json<ReloadOutcome>({ method: "POST", path });
  out.write(describe(outcome, values.check === true ? "would change" : "changed"));
}

function describe({ changed, needsRestart, notes }: ReloadOutcome, verb: string): string {
  const lines = [
    ...changed.map((each) => `${verb}: ${each}`),
    ...notes.map((each) => `note: ${each}`),
    ...needsRestart.map((each) => `needs a restart: ${each}`),
  ];
  return lines.length === 0 ? "nothing changed\n" : `${lines.join("\n")}\n`;
}
