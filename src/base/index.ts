export { build } from "./build.ts";
export type { ByteSink, ByteSource } from "./channel.ts";
export { type Errno, errnoTable, failure, failureOfLinux, failureOfNode, HostError, refusal } from "./errno.ts";
export { type CatalogEntry, errorCatalog, type ErrorCode, type ErrorKind } from "./error-catalog.ts";
export { type ErrorData, SampanError, type SampanErrorOptions } from "./errors.ts";
export { printable } from "./printable.ts";
export { hintForMissing, nearest, shellWord } from "./suggest.ts";
export { writeAll } from "./write-all.ts";
export { formatBytes, formatDuration, parseBytes, parseDuration } from "./units.ts";
