import type { FlagContext } from "./parse-flags.ts";

/** Where a grants file comes from: its name for errors, and what its relative paths and bare variables refer to. */
export interface GrantsSource extends FlagContext {
  /** The file's name as errors should show it. */
  readonly file?: string | undefined;
}
