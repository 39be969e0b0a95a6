export { Alarms } from "./alarms.ts";
export { createPipe, MemorySink, type Pipe, sinkToWeb, sourceFrom, sourceFromWeb } from "./channels.ts";
export { type BytesGiven, type BytesTaken, lentSinkFor, sinkFor, sourceFor } from "./given-channels.ts";
export { type ClockId, type Clocks } from "./clocks.ts";
export { Descriptor, type DescriptorAccess, type DescriptorFlags, DescriptorTable } from "./descriptor.ts";
export {
  type Advice,
  Buffers,
  type DirectoryReader,
  type FileCalls,
  FileStat,
  type FileType,
  type FollowMode,
  open as openBits,
  type SetTime,
  type Whence,
} from "./filesystem/file-calls.ts";
export { createWalkCalls } from "./filesystem/walk-calls.ts";
export { Path } from "./filesystem/path.ts";
export * from "./http/index.ts";
export { type EndReason, GuestEnd } from "./guest-end.ts";
export * from "./network/index.ts";
export * from "./postgres/index.ts";
export { type ConfigValues } from "./config/config-values.ts";
export * from "./keyvalue/index.ts";
export { type Log } from "./logging/log.ts";
export { deafObserver, type Observer } from "./observer.ts";
export { type Random } from "./random.ts";
export { HostInstance, type Meter } from "./instance.ts";
export { type StdioChannels } from "./own-channels.ts";
export { Places, type PollEvents, PollList } from "./poll-list.ts";
export { isSame, type Words } from "./same-words.ts";
export { createFileCalls, type HostLimits, type HostOptions, HostWorkload, type InstanceOptions } from "./workload.ts";
