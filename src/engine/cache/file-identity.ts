import type { BigIntStats } from "node:fs";

/** A file is known by its times only once it has lain still for so many milliseconds: clocks go in steps. */
const stillFor = 2_000;

/** Bits of a mode that say the type of a file, and what they are for a regular one. */
const fileTypeBits = 0o170_000n;
const regularFile = 0o100_000n;

/** What changes when a regular file's content does; undefined where that cannot be relied on. */
export function identityOf(stat: BigIntStats): string | undefined {
  // By its mode, because a stat that came from another thread has no methods.
  if ((stat.mode & fileTypeBits) !== regularFile || stat.ino === 0n) return undefined;
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(":");
}

/** Whether a later change would show in the times that a file has now. */
export function liesStill(stat: BigIntStats, now: number): boolean {
  return [stat.mtimeMs, stat.ctimeMs].every((time) => Number(time) + stillFor <= now);
}

/** The name of the file that says under which name a cache keeps what is made of a file. */
export function identityFileName(subject: string): string {
  return `${hash(subject)}.file`;
}

/** What such a file says. */
export function identityText(subject: string, name: string): string {
  const text = `${subject}\n${name}`;
  return `${text}\n${hash(text)}\n`;
}

/** The name that such a file says, where it is whole and about that subject. */
export function nameInIdentity(text: string, subject: string): string | undefined {
  const name = text.slice(subject.length + 1, subject.length + 65);
  return identityText(subject, name) === text ? name : undefined;
}

/** FNV-1a twice, from two beginnings: file names that differ, and damage noticed. Which file it is, its text says. */
function hash(text: string): string {
  let [one, other] = [0x811c_9dc5, 0xcbf2_9ce4];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    one = Math.imul(one ^ unit, 0x0100_0193);
    other = Math.imul(other ^ unit, 0x0100_0193);
  }
  return [one, other].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}
