import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readyMarker, root } from "./paths.js";

/** A digest of all that the bundle is made from: the lock file's content; path, size and time of each source. */
export function sourceStamp() {
  const hash = createHash("sha256");
  hash.update(readFileSync(join(root, "package-lock.json")));
  for (const path of ["package.json", join("setup", "bundle.js"), ...sources("src")]) {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`\n${path} ${size} ${mtimeMs}`);
  }
  return hash.digest("hex");
}

/** Tells whether the bundle that the marker vouches for was made from these sources. */
export function isBundleOf(stamp) {
  try {
    return readFileSync(readyMarker, "utf8").trim() === stamp;
  } catch {
    return false;
  }
}

function sources(folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.test\.[a-z]+$/.test(entry.name) ? [] : [path];
  });
}
