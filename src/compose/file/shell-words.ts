/** Words that a shell would make of a line, without variables and patterns; a sentence where a quote is not closed. */
export function shellWords(line: string): readonly string[] | { readonly problem: string } {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const letter = line[at] ?? "";
    if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (letter === "'" || letter === '"') {
      const end = closingQuote(line, at);
      if (end < 0) return { problem: `the quote ${letter} is not closed` };
      const inner = line.slice(at + 1, end);
      word = (word ?? "") + (letter === "'" ? inner : inner.replace(/\\([\\"$`\n])/g, "$1"));
      at = end;
    } else if (letter === "\\") {
      if (at + 1 >= line.length) return { problem: "it ends in a backslash" };
      const next = line[at + 1] ?? "";
      // A backslash at the end of a line joins it to the next one.
      if (next !== "\n") word = (word ?? "") + next;
      at += 1;
    } else {
      word = (word ?? "") + letter;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function closingQuote(line: string, start: number): number {
  const quote = line[start];
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === quote) return at;
    if (line[at] === "\\" && quote === '"') at += 1;
  }
  return -1;
}
