import type { LogLevel } from "../../../capabilities/index.ts";
import { HostError } from "../../../base/index.ts";
import type { Wasi02Context } from "../context.ts";
import type { Wasi02Interface } from "../row.ts";

/** `wasi:logging/logging`. */
export const logging: Wasi02Interface = {
  rows: {
    log: {
      docs: "Writes a line to the granted stream, from the granted level on; without a grant it goes nowhere.",
      mayWait: true,
      run: ({ host }: Wasi02Context, level: LogLevel, context: string, message: string) =>
        unheard(() => host.log.write(level, context, message)),
    },
  },
};

/** A log whose reader went away is nothing that a guest could do anything about. */
function unheard(write: () => void | Promise<void>): void | Promise<void> {
  const fail = (error: unknown): void => {
    if (!(error instanceof HostError)) throw error;
  };
  try {
    return write()?.catch(fail);
  } catch (error) {
    fail(error);
  }
}
