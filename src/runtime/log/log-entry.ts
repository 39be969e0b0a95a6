/** A workload's output stream. */
export type OutputStream = "stdout" | "stderr";

/** One line of a container's log, or a piece of a line that is longer than 16 KiB. */
export interface LogEntry {
  /** The text with its newline; without one where the line goes on in the next entry of the stream, or never ended. */
  readonly text: string;
  readonly stream: OutputStream;
  /** RFC 3339 with nine digits, later than that of the entry before: it can be given as `since`. */
  readonly time: string;
  /** How many entries right before this one are gone: rotated away before the reader came to them, or never written. */
  readonly lost?: number;
}

/** The entry as a line of JSON with the keys that Docker's json-file driver writes. */
export function encodeEntry({ text, stream, time }: LogEntry): Buffer {
  return Buffer.from(`${JSON.stringify({ log: text, stream, time })}\n`);
}

/** The entry that a line holds, or undefined where it holds none. */
export function decodeEntry(line: string): LogEntry | undefined {
  try {
    const { log, stream, time } = JSON.parse(line) as Record<string, unknown>;
    if (typeof log !== "string" || typeof time !== "string" || (stream !== "stdout" && stream !== "stderr"))
      return undefined;
    return { text: log, stream, time };
  } catch {
    return undefined;
  }
}

/** The entry as `docker logs` prints it, with `--timestamps` where that is asked for. */
export function formatEntry(entry: LogEntry, { timestamps = false }: { timestamps?: boolean } = {}): string {
  return timestamps ? `${entry.time} ${entry.text}` : entry.text;
}
