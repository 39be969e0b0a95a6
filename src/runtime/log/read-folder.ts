import { Stamps, systemClock } from "../clock.ts";
import { ContainerLog } from "./container-log.ts";
import { FolderStore } from "./folder-store.ts";
import type { LogEntry } from "./log-entry.ts";
import type { LogReadOptions } from "./log-reader.ts";

/** Reads the log that an earlier runtime kept in a folder, and changes nothing in it. @throws TIME_INVALID, LOG_UNWRITABLE */
export async function* readLogFolder(
  folder: string,
  options: Omit<LogReadOptions, "follow"> = {},
): AsyncGenerator<LogEntry, undefined> {
  const log = await ContainerLog.open(new FolderStore(folder, { readOnly: true }), {
    limits: { maxSize: 1024, maxFile: 1 },
    clock: systemClock,
    stamps: new Stamps(systemClock),
  });
  yield* log.read(options);
  return undefined;
}
