import { SampanError } from "./errors.ts";

const sizes = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 } as const;
const durations = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/**
 * Reads a size such as `64m`, `1.5g`, `512KiB` or `4096` (powers of 1024, as Docker reads them) into bytes.
 *
 * @throws UNIT_INVALID
 */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([bkmgt])|([kmgt])i?b)?$/i.exec(text.trim());
  const unit = (match?.[2] ?? match?.[3] ?? "b").toLowerCase() as keyof typeof sizes;
  const bytes = match ? Math.round(Number(match[1]) * sizes[unit]) : Number.NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw new SampanError("UNIT_INVALID", `Cannot read the size "${text}": wanted a number and a unit, such as "64m"`);
  }
  return bytes;
}

/**
 * Reads a duration such as `5s`, `250ms`, `1m30s` or `2` (seconds) into milliseconds.
 *
 * @throws UNIT_INVALID
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1000;
  const parts = [...trimmed.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== trimmed) {
    throw new SampanError(
      "UNIT_INVALID",
      `Cannot read the duration "${text}": wanted a number and a unit, such as "5s"`,
    );
  }
  return parts.reduce((sum, part) => sum + Number(part[1]) * durations[part[2] as keyof typeof durations], 0);
}

/** Writes a number of bytes for people: `25 KiB`, `1.5 GiB`, `12 B`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit] ?? "B"}`;
}

/** Writes milliseconds for people: `5s`, `250ms`, `1m30s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Number(ms.toFixed(3))}ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(3))}s`;
  const whole = Math.round(ms);
  const rest = whole % 60_000;
  return `${Math.floor(whole / 60_000)}m${rest === 0 ? "" : `${rest / 1000}s`}`;
}
