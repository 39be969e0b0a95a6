export { type CacheKey, type CacheSubject, CompileCache, type CompileCacheOptions, ownCache } from "./compile-cache.ts";
export { sha256Of } from "./digest.ts";
export type { CacheEntry } from "./entry-file.ts";
export { identityOf, liesStill } from "./file-identity.ts";
