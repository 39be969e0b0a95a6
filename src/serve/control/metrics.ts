import type { MetricRow } from "../protocol.ts";

/** How samples of one name are told and put together. */
export interface MetricFamily {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly merge: "sum" | "max";
}

/** Samples of several workers, those of workers that are gone among them. */
export class MetricSums {
  readonly #families: ReadonlyMap<string, MetricFamily>;
  /** What counters of workers that are gone came to. */
  #retired: readonly MetricRow[] = [];

  constructor(families: ReadonlyMap<string, MetricFamily>) {
    this.#families = families;
  }

  /** Keeps what a worker that is gone has counted: a sum that fell would look like a server that began anew. */
  retire(rows: readonly MetricRow[]): void {
    const counted = rows.filter(({ name }) => this.#family(name)?.[1].type !== "gauge");
    this.#retired = this.#merge([this.#retired, counted]);
  }

  /** All samples in Prometheus' text format, version 0.0.4. */
  text(workers: readonly (readonly MetricRow[])[]): string {
    const byFamily = new Map<string, MetricRow[]>();
    for (const row of this.#merge([this.#retired, ...workers])) {
      const name = this.#family(row.name)?.[0] ?? row.name;
      const rows = byFamily.get(name);
      if (rows === undefined) byFamily.set(name, [row]);
      else rows.push(row);
    }
    return [...byFamily].map(([name, rows]) => this.#familyText(name, rows)).join("");
  }

  #familyText(name: string, rows: readonly MetricRow[]): string {
    const family = this.#families.get(name);
    const head = family === undefined ? "" : `# HELP ${name} ${family.help}\n# TYPE ${name} ${family.type}\n`;
    return `${head}${rows.map(rowText).join("")}`;
  }

  #merge(workers: readonly (readonly MetricRow[])[]): MetricRow[] {
    const merged = new Map<string, { name: string; labels: MetricRow["labels"]; value: number }>();
    for (const row of workers.flat()) {
      const { name, labels, value } = row;
      const key = rowKey(row);
      const known = merged.get(key);
      if (known === undefined) merged.set(key, { name, labels, value });
      else if (this.#family(name)?.[1].merge === "max") known.value = Math.max(known.value, value);
      else known.value += value;
    }
    return [...merged.values()];
  }

  /** The family of a sample: a histogram's has more than one name. */
  #family(name: string): readonly [string, MetricFamily] | undefined {
    for (const base of [name, name.replace(/_(bucket|sum|count)$/, "")]) {
      const family = this.#families.get(base);
      if (family !== undefined) return [base, family];
    }
    return undefined;
  }
}

function rowKey({ name, labels }: MetricRow): string {
  return `${name}${labelsText(labels)}`;
}

function rowText(row: MetricRow): string {
  return `${rowKey(row)} ${row.value === Number.POSITIVE_INFINITY ? "+Inf" : row.value}\n`;
}

function labelsText(labels: MetricRow["labels"]): string {
  const parts = Object.entries(labels).map(([key, value]) => {
    return `${key}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
  });
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

/** What control counts beside its workers. */
export const controlFamilies: Readonly<Record<string, MetricFamily>> = {
  sampan_workers: {
    type: "gauge",
    help: "Workers that are ready, those of workloads with a cordon among them.",
    merge: "sum",
  },
  sampan_worker_deaths_total: { type: "counter", help: "Workers that died and were replaced.", merge: "sum" },
  sampan_reloads_total: { type: "counter", help: "Configurations that were read anew, by result.", merge: "sum" },
};
