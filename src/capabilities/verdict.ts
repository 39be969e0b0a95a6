/** How to allow what was refused. */
export interface Fix {
  /** The flag or flags to type into a shell. */
  readonly flag: string;
  /** The same as one line of a grants file, on its own a valid file. */
  readonly line: string;
  /** The flag, as typed, whose place the new one takes; both together would not do. */
  readonly replaces?: string | undefined;
}

/** What makes a fix easier to read and to type; no verdict depends on it. */
export interface FixContext {
  /** Absolute folder that flags are typed in: they name host paths within it from there on. */
  readonly cwd?: string | undefined;
  readonly guess?: HostGuess | undefined;
  /** Whether the fix joins what is granted, because nothing of that can be taken away. */
  readonly isAdding?: boolean | undefined;
}

/**
 * Knows which folder of the host a guest most likely means by a folder that it was not granted: a guest's libc spells
 * relative paths like absolute ones. Undefined where it has the same name on the host.
 */
export type HostGuess = (guestFolder: string) => string | undefined;

/** What {@link check} decides: by which grant (as the flag that gives it), or why not and what would change that. */
export type Verdict =
  | { readonly allowed: true; readonly by: string }
  | { readonly allowed: false; readonly reason: string; readonly fix: Fix };

/** The verdict that lets a request through; `by` is only written out for those who read it. */
export function allow(by: () => string): Verdict {
  return {
    allowed: true,
    get by() {
      return by();
    },
  };
}

/** The verdict that turns a request down. */
export function refuse(reason: string, fix: Fix): Verdict {
  return { allowed: false, reason, fix };
}

/** A line of a grants file with one list: YAML reads JSON strings. */
export function listLine(key: string, items: readonly unknown[]): string {
  const list = `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;
  return key
    .split(".")
    .reverse()
    .reduce((inner, part, depth) => (depth === 0 ? `${part}: ${inner}` : `${part}: {${inner}}`), list);
}
