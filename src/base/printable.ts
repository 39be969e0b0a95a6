/** Text from a guest or a file without what a terminal would obey. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (letter) => {
    const quoted = JSON.stringify(letter).slice(1, -1);
    return quoted === letter ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}` : quoted;
  });
}
