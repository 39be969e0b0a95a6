import type { TypedFlag } from "./grants-from-flags.ts";

/** Takes flags apart as a POSIX shell does with what fixes and `grantToFlags` write: words, single quotes, `\'`. */
export function typedWords(line: string): TypedFlag[] {
  const words = [...line.matchAll(/(?:'[^']*'|\\'|[^\s'\\])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|\\(')/g, (_, quoted?: string, escaped?: string) => quoted ?? escaped ?? ""),
  );
  const flags: { flag: string; value?: string }[] = [];
  for (const word of words) {
    const last = flags.at(-1);
    if (last !== undefined && last.value === undefined && last.flag !== "--allow-dns") last.value = word;
    else flags.push({ flag: word });
  }
  return flags;
}
