import { SampanError } from "../../base/index.ts";
import type { ComponentMode, Embedding } from "../../component/index.ts";

/** An instance as one use of it has it: once the use is over, nothing that it was given reaches the instance any more. */
export class UseEmbedding implements Pick<Embedding, "mode" | "call" | "begin" | "finish" | "failed"> {
  readonly mode: ComponentMode;
  readonly #embedding: Embedding;
  isOver = false;

  constructor(embedding: Embedding) {
    this.mode = embedding.mode;
    this.#embedding = embedding;
  }

  call(entry: string, run: (...args: readonly unknown[]) => unknown, args: readonly unknown[]): unknown {
    if (this.isOver && this.mode === "async") return Promise.reject(useIsOver(entry));
    this.#check(entry);
    return this.#embedding.call(entry, run, args);
  }

  begin(entry: string): void {
    this.#check(entry);
    this.#embedding.begin(entry);
  }

  finish(): void {
    this.#embedding.finish();
  }

  failed(error: unknown): unknown {
    return this.#embedding.failed(error);
  }

  #check(entry: string): void {
    if (this.isOver) throw useIsOver(entry);
  }
}

/** The error of a call that comes when the use of an instance is over. */
export function useIsOver(entry: string): SampanError {
  return new SampanError("INSTANCE_ENDED", `Cannot call "${entry}": the use of the instance is over`, {
    hint: "call what a use was given before it ends",
  });
}
