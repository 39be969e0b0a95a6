/** The decoded path of a request's target, without doubled slashes and dots; undefined for what is none. */
export function decodedPath(target: string): string | undefined {
  const raw = target.replace(/[?#].*$/s, "");
  if (!raw.startsWith("/")) return undefined;
  let path: string;
  try {
    path = decodeURIComponent(raw);
  } catch {
    return undefined;
  }
  if (path.includes("\0")) return undefined;
  const parts: string[] = [];
  const given = path.split("/");
  for (const part of given) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  const last = given.at(-1);
  const isFolder = last === "" || last === "." || last === "..";
  return `/${parts.join("/")}${isFolder && parts.length > 0 ? "/" : ""}`;
}

/** A decoded path as a URL has it. */
export function encodedPath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
