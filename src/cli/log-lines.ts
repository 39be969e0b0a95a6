import { isatty } from "node:tty";
import type { ProjectLogEntry } from "../compose/index.ts";

/** How the lines of several containers are told apart. */
export interface LogLineOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly project: string;
  /** Containers that are there from the beginning: their names are set in one width. */
  readonly containers: readonly string[];
  readonly prefix: "name" | "none";
  readonly colors: "auto" | "none";
  readonly timestamps: boolean;
}

const palette = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

/** Formats the entries of a project's logs as docker compose does: `db-1  | text`, in a colour for each container. */
export class LogLines {
  readonly #options: LogLineOptions;
  readonly #colors = new Map<string, number>();
  readonly #hasColors: boolean;
  #width = 0;

  constructor(options: LogLineOptions) {
    this.#options = options;
    const { env, colors } = options;
    this.#hasColors = colors === "auto" && isatty(1) && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
    for (const name of options.containers) this.#colorOf(name);
  }

  /** A container's name without the project's. */
  shortName(container: string): string {
    const { project } = this.#options;
    return container.startsWith(`${project}-`) ? container.slice(project.length + 1) : container;
  }

  /** One entry as a line. */
  format({ container, text, time }: Pick<ProjectLogEntry, "container" | "text" | "time">): string {
    const { prefix, timestamps } = this.#options;
    const line = text.endsWith("\n") ? text : `${text}\n`;
    const stamped = timestamps ? `${time} ${line}` : line;
    if (prefix === "none") return stamped;
    const color = this.#colorOf(container);
    const name = `${this.shortName(container).padEnd(this.#width)}  | `;
    return `${this.#hasColors ? `\u001b[${color}m${name}\u001b[0m` : name}${stamped}`;
  }

  #colorOf(container: string): number {
    const known = this.#colors.get(container);
    if (known !== undefined) return known;
    const color = palette[this.#colors.size % palette.length] ?? 36;
    this.#colors.set(container, color);
    this.#width = Math.max(this.#width, this.shortName(container).length);
    return color;
  }
}
