/** Figures by measure and server; the median of the rounds is what counts. */

export class Results {
  readonly #figures = new Map<string, Map<string, number[]>>();

  add(measure: string, server: string, figure: number): void {
    const byServer = this.#figures.get(measure) ?? new Map<string, number[]>();
    byServer.set(server, [...(byServer.get(server) ?? []), figure]);
    this.#figures.set(measure, byServer);
  }

  /** A Markdown table: measures down, servers across. */
  format(): string {
    const servers = [...new Set([...this.#figures.values()].flatMap((each) => [...each.keys()]))];
    const rows = [...this.#figures].map(([measure, byServer]) => [
      measure,
      ...servers.map((server) => formatFigure(byServer.get(server))),
    ]);
    const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
    const rule = ["---", ...servers.map(() => "--:")];
    return `${[line(["measure", ...servers]), line(rule), ...rows.map(line)].join("\n")}\n`;
  }
}

function formatFigure(figures: readonly number[] | undefined): string {
  if (figures === undefined) return "–";
  const figure = median(figures);
  return Math.abs(figure) < 100 ? figure.toFixed(2) : Math.round(figure).toLocaleString("en");
}

function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
