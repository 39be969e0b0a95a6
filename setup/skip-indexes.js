import { readFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";

/** `import` and `export` of names from a room's or folder's index, as the formatter writes them. */
const statement = /^(import|export) (type )?\{([^}]*)\} from "(\.[^"]*\/index\.ts)";$/gm;
const reexport = /^export (type )?(?:\{([^}]*)\}|\*) from "(\.[^"]+)";$/gm;
const comment = /^\/\/.*$|^\/\*\*?[^]*?\*\/$/gm;

/**
 * A plugin for esbuild: names that a file imports from an index come straight from the files that define them. Rooms are entered by
 * their indexes, which name all that others may use; a command that uses two things of a room should not have to set up the other
 * fifty when it starts. No module of ours does anything when it is loaded, so nobody sees the difference.
 *
 * @param {string} folder the sources
 */
export function skipIndexes(folder) {
  const indexes = new Map();
  return {
    name: "skip-indexes",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (!path.startsWith(folder + sep)) return undefined;
        const contents = readFileSync(path, "utf8").replaceAll(statement, (whole, keyword, type, list, index) => {
          if (type !== undefined) return padding(whole);
          const names = namesOf(indexes, join(dirname(path), index));
          return names === undefined ? whole : directly(keyword, list, names) + padding(whole);
        });
        return { contents, loader: "ts" };
      });
    },
  };
}

/** Imports of the same names from the files that define them, in one line. */
function directly(keyword, list, names) {
  return specifiers(list)
    .map(({ name, local }) => {
      const { file, name: own } = names.get(name) ?? {};
      if (file === undefined) throw new Error(`No index exports "${name}"`);
      return `${keyword} { ${own === local ? own : `${own} as ${local}`} } from ${JSON.stringify(file)};`;
    })
    .join(" ");
}

/** Where each name of an index is defined; undefined for a file that is more than an index. */
function namesOf(indexes, path) {
  if (!indexes.has(path)) indexes.set(path, readIndex(indexes, path));
  return indexes.get(path);
}

function readIndex(indexes, path) {
  const text = readFileSync(path, "utf8");
  if (text.replaceAll(reexport, "").replaceAll(comment, "").trim() !== "") return undefined;
  const names = new Map();
  for (const [, type, list, from] of text.matchAll(reexport)) {
    if (type !== undefined) continue;
    const file = join(dirname(path), from);
    const inner = file.endsWith(`${sep}index.ts`) ? namesOf(indexes, file) : undefined;
    if (list === undefined && inner === undefined) return undefined;
    const all =
      list === undefined ? [...(inner?.keys() ?? [])].map((name) => ({ name, local: name })) : specifiers(list);
    for (const { name, local } of all) names.set(local, inner?.get(name) ?? { file, name });
  }
  return names;
}

/** The names of a list, less those of types. */
function specifiers(list) {
  return list
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "" && !each.startsWith("type "))
    .map((each) => {
      const [name, local = name] = each.split(" as ");
      return { name, local };
    });
}

/** As many line ends as a text has, so that what follows stays on its line. */
function padding(text) {
  return "\n".repeat(text.split("\n").length - 1);
}
