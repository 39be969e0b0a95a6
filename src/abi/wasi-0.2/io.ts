import type { Wasi02Context } from "./context.ts";
import { failedOperation, type IoError } from "./errors.ts";
import type { InputStream } from "./input-stream.ts";
import type { OutputStream } from "./output-stream.ts";
import type { Pollable } from "./pollable.ts";
import type { Wasi02Interface, Wasi02Rows } from "./row.ts";

type Bytes = Uint8Array | Promise<Uint8Array>;

/** Why operations of streams failed. */
export const ioError: Wasi02Interface = {
  rows: {
    "[method]error.to-debug-string": {
      docs: "The failure in words.",
      run: (_context: Wasi02Context, error: IoError): string => error.toDebugString(),
    },
    "[resource-drop]error": { docs: "Forgets it.", run: (): void => {} },
  },
};

/** Waiting. */
export const ioPoll: Wasi02Interface = {
  rows: {
    "[method]pollable.ready": {
      docs: "Whether it is ready now.",
      run: (_context: Wasi02Context, pollable: Pollable): boolean => pollable.isReady(),
    },
    "[method]pollable.block": {
      docs: "Waits until it is ready.",
      mayWait: true,
      run: ({ polls }: Wasi02Context, pollable: Pollable): void | Promise<void> => polls.block(pollable),
    },
    poll: {
      docs: "Waits for the first of several and answers the places of all that are ready; an empty list traps.",
      mayWait: true,
      run: ({ polls }: Wasi02Context, pollables: readonly Pollable[]): Uint32Array | Promise<Uint32Array> =>
        polls.poll(pollables),
    },
    "[resource-drop]pollable": { docs: "Forgets it.", run: (): void => {} },
  },
};

function skipped(bytes: Bytes): bigint | Promise<bigint> {
  return bytes instanceof Promise ? bytes.then((came) => BigInt(came.length)) : BigInt(bytes.length);
}

const inputRows = {
  "[method]input-stream.read": {
    docs: "What is there, which may be nothing; at most 1 MiB at once.",
    mayWait: true,
    run: (_context: Wasi02Context, stream: InputStream, length: bigint): Bytes => stream.read(length),
  },
  "[method]input-stream.blocking-read": {
    docs: "At least one byte, waited for.",
    mayWait: true,
    run: (_context: Wasi02Context, stream: InputStream, length: bigint): Bytes => stream.blockingRead(length),
  },
  "[method]input-stream.skip": {
    docs: "Reads and drops what is there.",
    mayWait: true,
    run: (_context: Wasi02Context, stream: InputStream, length: bigint): unknown => skipped(stream.read(length)),
  },
  "[method]input-stream.blocking-skip": {
    docs: "Reads and drops at least one byte, waited for.",
    mayWait: true,
    run: (_context: Wasi02Context, stream: InputStream, length: bigint): unknown =>
      skipped(stream.blockingRead(length)),
  },
  "[method]input-stream.subscribe": {
    docs: "Ready once a read would not wait.",
    run: (_context: Wasi02Context, stream: InputStream): Pollable => stream.subscribe(),
  },
  "[resource-drop]input-stream": {
    docs: "Ends it; pollables of it stay, and are ready.",
    run: (_context: Wasi02Context, stream: InputStream): void => stream.close(),
  },
} satisfies Wasi02Rows;

const outputRows = {
  "[method]output-stream.check-write": {
    docs: "How many bytes the next write may have: 0 while earlier ones are on their way.",
    run: (_context: Wasi02Context, stream: OutputStream): bigint => stream.checkWrite(),
  },
  "[method]output-stream.write": {
    docs: "Takes the bytes, and writes behind the guest's back what cannot be written at once; more than permitted traps.",
    takesViews: true,
    run: (_context: Wasi02Context, stream: OutputStream, bytes: Uint8Array): void => stream.write(bytes),
  },
  "[method]output-stream.blocking-write-and-flush": {
    docs: "Writes all bytes and waits until they are on their way; more than 4096 at once are taken too.",
    mayWait: true,
    takesViews: true,
    run: (_context: Wasi02Context, stream: OutputStream, bytes: Uint8Array): void | Promise<void> =>
      stream.blockingWriteAndFlush(bytes),
  },
  "[method]output-stream.flush": {
    docs: "Begins to send on what was written.",
    run: (_context: Wasi02Context, stream: OutputStream): void => stream.flush(),
  },
  "[method]output-stream.blocking-flush": {
    docs: "Waits until what was written is on its way.",
    mayWait: true,
    run: (_context: Wasi02Context, stream: OutputStream): void | Promise<void> => stream.blockingFlush(),
  },
  "[method]output-stream.subscribe": {
    docs: "Ready once check-write permits bytes, or tells an error.",
    run: (_context: Wasi02Context, stream: OutputStream): Pollable => stream.subscribe(),
  },
  "[method]output-stream.write-zeroes": {
    docs: "Writes so many zeroes; more than permitted traps.",
    run: (_context: Wasi02Context, stream: OutputStream, length: bigint): void => stream.writeZeroes(length),
  },
  "[method]output-stream.blocking-write-zeroes-and-flush": {
    docs: "Writes so many zeroes and waits until they are on their way; more than 1 MiB traps.",
    mayWait: true,
    run: (_context: Wasi02Context, stream: OutputStream, length: bigint): void | Promise<void> =>
      stream.blockingWriteZeroesAndFlush(length),
  },
  "[method]output-stream.splice": {
    docs: "Moves what is there of an input stream, past the guest's memory.",
    mayWait: true,
    run: (_context: Wasi02Context, stream: OutputStream, from: InputStream, length: bigint): unknown =>
      stream.splice(from, length),
  },
  "[method]output-stream.blocking-splice": {
    docs: "The same, waiting until at least one byte is there and can be written.",
    mayWait: true,
    run: (_context: Wasi02Context, stream: OutputStream, from: InputStream, length: bigint): unknown =>
      stream.blockingSplice(from, length),
  },
  "[resource-drop]output-stream": {
    docs: "Ends it; what it took before is written all the same.",
    run: (_context: Wasi02Context, stream: OutputStream): void => stream.close(),
  },
} satisfies Wasi02Rows;

/** Streams of bytes. */
export const ioStreams: Wasi02Interface = { errorOf: failedOperation, rows: { ...inputRows, ...outputRows } };
