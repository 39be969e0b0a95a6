import { type Support, supportTable } from "./support.ts";

const words: Readonly<Record<Support, string>> = {
  honoured: "yes",
  accepted: "accepted",
  warned: "a warning",
  refused: "an error",
};

const head = `# What of a compose file Sampan understands

\`sampan config\` reads a compose file, checks it and prints what it comes to; \`sampan config --grants\` prints what each
service's guest may do. A file is checked by the JSON Schema of the Compose Specification first, so a key that does not exist
is an error with its line and the nearest key that does. What the specification has and Sampan does not is an error by name
(\`COMPOSE_UNSUPPORTED\`), or a warning where the file means the same without it.

- **yes**: it does what the specification says.
- **accepted**: nothing has to be done for it, or it is for other tools.
- **a warning**: it has no effect, and \`sampan\` says so.
- **an error**: the service would not be what the file says it is; the error says what to write instead.

A key that asks for nothing, such as \`privileged: false\` or an empty list, is none of these. Services whose profile is off
are not looked at beyond the schema.

## Images

\`image:\` is the path of a module or of a component that is a command (\`./app.wasm\`, from the compose file's folder), or an image that Sampan has a stand-in for:
\`postgres\`, \`nginx\`, \`mariadb\` and \`mysql\`, with any tag and behind any registry (\`docker.io/library/postgres:16\`). Every
other image is an error that says so. To use one file with Docker and with Sampan, name the image for Docker and the module
for Sampan: \`x-sampan: { module: ./app.wasm }\`.

A module may have \`platform:\` \`wasi/wasm\`, \`wasi/wasm32\`, \`wasip1/wasm\` or \`wasip2/wasm\`, and \`runtime:\` any of the known
runtimes of Wasm, such as \`io.containerd.wasmedge.v1\`; a stand-in may have neither.

## x-sampan

What the specification has no key for stands below \`x-sampan:\` of a service.

| key | meaning |
| --- | --- |
| \`outbound\` | hosts outside the project that the guest may connect to, each as \`--allow-net\` takes them: \`api.example.com:443\` |
| \`module\` | a module in the place of the image |
| \`config\` | settings of a component (\`wasi:config\`), as \`--config\` takes them: \`{ region: eu }\` |
| \`keyvalue\` | stores of a component (\`wasi:keyvalue\`), as \`--keyvalue\` takes them: \`{ default: ./data.db, cache: memory }\` |
| \`log\` | where a component's log lines go (\`wasi:logging\`), as \`--log\` takes it: \`stderr=warn\` |
| \`limits.timeout\` | longest time that an instance runs, such as \`1h\` |
| \`limits.max_files\` | most files open at once |
| \`limits.max_output\` | most bytes to stdout and stderr, such as \`10m\` |
| \`limits.max_threads\` | most threads beside the first |

## Files and variables

The files are those after \`-f\`, those of \`COMPOSE_FILE\`, or \`compose.yaml\`, \`compose.yml\`, \`docker-compose.yaml\` or
\`docker-compose.yml\` of this folder or the nearest one above it, with \`compose.override.yaml\` beside it. A further file is laid
over the earlier ones; \`!reset\` and \`!override\` are understood. Variables come from the surroundings and from \`.env\` in the
project's folder; every form is understood (\`\${A:-default}\`, \`\${A:?message}\`, \`\${A:+value}\`, one in another, \`$$\`).
`;

/** The guide to what of a compose file is understood, whose tables are made from {@link supportTable}. */
export function supportDocument(
  table: (head: readonly string[], lines: readonly (readonly string[])[]) => string,
): string {
  const lines = (wanted: (key: string) => boolean): string[][] =>
    supportTable
      .filter(({ key }) => wanted(key))
      .map(({ key, support, note, hint }) => {
        const said = [note, hint ?? ""].filter((text) => text !== "").join("; ");
        return [`\`${key.replace("services.*.", "")}\``, words[support], said];
      });
  const isOfService = (key: string): boolean => key.startsWith("services.*.");
  const sections = [
    "## Keys of a service",
    table(["key", "understood", "what it does, or what to do"], lines(isOfService)),
    "## Other keys",
    table(
      ["key", "understood", "what it does, or what to do"],
      lines((key) => !isOfService(key)),
    ),
  ];
  return `${head}\n${sections.join("\n\n")}\n`;
}
