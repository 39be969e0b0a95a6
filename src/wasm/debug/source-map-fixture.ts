const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Numbers as a source map writes them. */
export function vlq(...values: readonly number[]): string {
  let text = "";
  for (const value of values) {
    let rest = value < 0 ? -value * 2 + 1 : value * 2;
    do {
      const digit = rest % 32;
      rest = Math.floor(rest / 32);
      text += letters[rest > 0 ? digit + 32 : digit];
    } while (rest > 0);
  }
  return text;
}
