/**
 * A name of WIT as JavaScript writes it: the words put together, each but the first with a capital letter
 * (`get-HTTP-url` is `getHttpUrl`).
 */
export function camelCase(kebab: string): string {
  const words = kebab.toLowerCase().split("-");
  return words.map((word, at) => (at === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join("");
}

/** Whether every object has something under a name, such as `constructor`. */
export function isCommonName(name: string): boolean {
  return name in Object.prototype;
}
