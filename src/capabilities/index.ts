export { type Address, type Cidr, cidrContains, formatAddress, parseAddress, parseCidr } from "./addresses.ts";
export { type Allow, allowed, type AllowedEnv, type AllowedFolder, type AllowedNet } from "./allow.ts";
export { attenuate } from "./attenuate.ts";
export {
  type CapabilityEntry,
  type CapabilityFlag,
  type CapabilityName,
  capability,
  capabilityCatalog,
  capabilityNames,
  wantedForm,
} from "./catalog.ts";
export { check } from "./check.ts";
export { explain, type Explanation, type Finding, findings, type Probe, probes } from "./explain.ts";
export { checkFeatures, featureNames } from "./features.ts";
export { flagsOf, type FlagsOptions, folderFlag, type GrantFlag, grantToFlags } from "./format-flags.ts";
export { capabilityOfFlag, checkedGrants, grantsFromFlags, type TypedFlag } from "./grants-from-flags.ts";
export {
  type ClockGrant,
  type ConnectGrant,
  defaultGrants,
  type FolderAccess,
  type FolderGrant,
  type Grants,
  type ListenGrant,
  type LogGrant,
  type LogLevel,
  type NetGrants,
  noGrants,
  type PortRange,
  type PublishGrant,
  type RandomGrant,
  type StdioName,
  type StoreGrant,
} from "./grants.ts";
export { narrow, type Narrower } from "./narrow.ts";
export { narrowToUsed } from "./learn.ts";
export {
  compareWithLock,
  grantsFromLock,
  grantsToLock,
  type Lock,
  type LockDifference,
  type LockedComponent,
  type LockedImports,
  lockName,
  parseLock,
  plainImports,
  printLock,
} from "./lock.ts";
export {
  type FlagContext,
  parseClock,
  parseConnect,
  parseDir,
  parseEnv,
  parseListen,
  parsePublish,
  parseRandom,
  parseStdio,
  parseVolume,
  parseWorkdir,
  stdioNames,
} from "./parse-flags.ts";
export { formatPlace, isLogged, logLevels, parseConfigValue, parseLog, parseStore } from "./store-flags.ts";
export type { AccessRequest } from "./request.ts";
export { grantsFromValue, loadGrantsSchema, readGrants } from "./read-grants.ts";
export type { GrantsSource } from "./grants-source.ts";
export type { Fix, FixContext, Verdict } from "./verdict.ts";
export { writeGrants } from "./write-grants.ts";
export { type FileRequest, locate } from "./check-files.ts";
