const manners = ["brisk", "calm", "clear", "deft", "eager", "fair", "fleet", "frank", "glad", "keen", "merry", "mild"];
const things = [
  "anchor",
  "beacon",
  "compass",
  "heron",
  "jetty",
  "lantern",
  "mooring",
  "oar",
  "otter",
  "pilot",
  "rudder",
];

/** A name for a container that nobody named, such as `calm_otter`; with a number behind it where those are used up. */
export function generateName(pick: (below: number) => number, isFree: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${manners[pick(manners.length)]}_${things[pick(things.length)]}`;
    const numbered = attempt < 8 ? name : `${name}${pick(10 ** Math.min(attempt - 7, 12))}`;
    if (isFree(numbered)) return numbered;
  }
}

/** Whether a text can be a container's name: Docker's rule. */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]+$/.test(text);
}
