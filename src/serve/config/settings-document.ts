import { capability, type CapabilityName } from "../../capabilities/index.ts";
import {
  cgiSettings,
  clientLimits,
  flagOf,
  serverSettings,
  type Setting,
  trustSetting,
  workloadSettings,
} from "./settings.ts";

type Table = Readonly<Record<string, Setting<unknown>>>;
/** Writes a table of a document. */
type WriteTable = (head: readonly string[], lines: readonly (readonly string[])[]) => string;

/** Limits that have a flag; the others stand in a file alone. */
const limitsWithFlag: ReadonlySet<string> = new Set(["body"]);

/** Keys of a workload that grant something, and whose they are. */
const grantKeys: readonly (readonly [key: string, capability: CapabilityName])[] = [
  ["env", "env"],
  ["volumes", "files"],
  ["workdir", "workdir"],
  ["allow-net", "net.connect"],
  ["allow-listen", "net.listen"],
  ["allow-dns", "net.dns"],
  ["clock", "clock"],
  ["random", "random"],
  ["stdio", "stdio"],
];

/** The document of all settings of `sampan serve`, behind its notice. */
export function settingsDocument(table: WriteTable): string {
  const head = ["key", "flag", "value", "without it", "what it says"];
  const row = (key: string, setting: Setting<unknown>, flag = `\`${flagOf(key, setting)}\``): string[] => {
    return [`\`${key}\``, flag, `\`${setting.value}\``, setting.byDefault, setting.summary];
  };
  const rows = (settings: Table): string[][] => Object.entries(settings).map(([key, setting]) => row(key, setting));
  const limits = Object.entries(clientLimits).map(([key, setting]) =>
    limitsWithFlag.has(key) ? row(key, setting) : row(key, setting, ""),
  );
  const grants = grantKeys.map(([key, name]) => {
    const { flags, summary } = capability(name);
    return [
      `\`${key}\``,
      flags.map(({ long }) => `\`${long}\``).join(", "),
      `\`${flags[0].value ?? "true"}\``,
      summary,
    ];
  });
  const more = [
    ["`file`", "The component or module; a relative path starts at the file's folder"],
    ["`kind`", "`component`, `cgi` or `listener`; told by the file where it is left out"],
    ["`args`", "Its arguments, behind its name"],
    ["`features`", "What packages mark unstable under these names"],
    ["`grants`", "A grants file, or what would stand in one (docs/GRANTS.md); the keys below add to it"],
  ];
  return `# Settings of \`sampan serve\`

A file for \`sampan serve --file\` has these keys; most are flags by the same name. docs/guides/serve.schema.json is the JSON
Schema of such a file.

## The server

${table(head, [...rows(serverSettings), row("trust", trustSetting)])}

\`watch: true\` is \`--watch\`. \`routes\` is a list of \`{ host, path, to }\`: \`host\` is exact or \`*.suffix\` and any where it is left
out, \`path\` stands for all below it and is \`/\` where it is left out, \`to\` names a workload.

## What clients may take, below \`limits\`

${table(head, limits)}

## A workload, below \`workloads\` and its name

${table(["key", "what it says"], more)}

${table(head, rows(workloadSettings))}

${table(["key", "flag", "value", "what it grants"], grants)}

Below \`cgi\`, where it is a CGI program:

${table(head, rows(cgiSettings))}
`;
}
