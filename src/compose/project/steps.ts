/** One line of what an operation does, in docker compose's words. */
export interface Step {
  /** What it is done to, such as `Container orders-db-1`. */
  readonly id: string;
  /** What is done, such as `Starting`, or was, such as `Started`. */
  readonly status: string;
  readonly state: "working" | "done" | "warning" | "error";
  /** What is to be known about it, such as why it failed. */
  readonly detail?: string | undefined;
}

/** Hears of steps as they happen. */
export type Tell = (step: Step) => void;

/** Tells of one thing that is done: its beginning, and its end or its failure. */
export async function step<T>(
  tell: Tell,
  { id, words: [doing, done] }: { readonly id: string; readonly words: readonly [doing: string, done: string] },
  action: () => Promise<T> | T,
): Promise<T> {
  tell({ id, status: doing, state: "working" });
  try {
    const result = await action();
    tell({ id, status: done, state: "done" });
    return result;
  } catch (error) {
    tell({ id, status: "Error", state: "error", detail: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

/** How steps call a container. */
export const containerId = (name: string): string => `Container ${name}`;
