/** Compose files that are wrong, as data. */
export interface BrokenProject {
  readonly name: string;
  /** Of `compose.yaml`; `app.wasm` stands beside it. */
  readonly text: string;
  readonly files?: Readonly<Record<string, string>>;
  /** The lines that are told, each problem's place, sentence and code, and what to type below it. */
  readonly told: readonly string[];
}
