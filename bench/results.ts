/** Figures by measure and server; the median of the rounds is what counts. */

export class Results {
  readonly #figures = new Map<string, Map<string, number[]>>();

  add(measure: string, server: string, figure: number): void {
    const byServer = this.#figures.get(measure) ?? new Map<string, number[]>();
    byServer.set(server, [...(byServer.get(server) ?? []), figure]);
    this.#figures.set(measure, byServer);
  }

  /** Those that have figures of this measure. */
  servers(measure: string): readonly string[] {
    return [...(this.#figures.get(measure)?.keys() ?? [])];
  }

  median(measure: string, server: string): number | undefined {
    const figures = this.#figures.get(measure)?.get(server);
    return figures === undefined ? undefined : median(figures);
  }

  format(figure: number): string {
    return Math.abs(figure) < 100 ? figure.toFixed(2) : Math.round(figure).toLocaleString("en");
  }

  /** Measures down, servers across. */
  rows(): readonly (readonly string[])[] {
    const measures = [...this.#figures.keys()];
    const servers = [...new Set(measures.flatMap((measure) => this.servers(measure)))];
    const rows = measures.map((measure) => [
      measure,
      ...servers.map((server) => {
        const figure = this.median(measure, server);
        return figure === undefined ? "–" : this.format(figure);
      }),
    ]);
    return [["measure", ...servers], ...rows];
  }
}

/** A Markdown table; the first row heads it. */
export function formatTable([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, column) => (column === 0 ? "---" : "--:"));
  return `${[line(head), line(rule), ...rows.map(line)].join("\n")}\n`;
}

function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
