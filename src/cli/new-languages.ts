/** What a new project can be written in, as it is typed. */
export type LanguageName = "rust" | "c" | "ts" | "py" | "go";

/** A language that `sampan new` has templates for: `templates/NAME` and `templates/NAME-http`. */
export interface Language {
  readonly name: LanguageName;
  readonly title: string;
  /** Other names that people type. */
  readonly others: readonly string[];
  /** What builds a project of that name, typed in its folder. */
  readonly build: (name: string) => string;
  /** The file that is built, from the project's folder. */
  readonly product: (name: string, isHttp: boolean) => string;
  /** Whether its HTTP projects are programs that are started for each request (CGI), and not components. */
  readonly isCgi: boolean;
  /** What the builds leave behind, as lines of a .gitignore. */
  readonly leavings: readonly string[];
}

const besideSources = (name: string): string => `${name}.wasm`;

/** The languages in the order of the command's usage. */
export const languages: readonly Language[] = [
  {
    name: "rust",
    title: "Rust",
    others: ["rs", "cargo"],
    build: () => "cargo build --release",
    // Cargo names a library as its code would name it, and a program as its package.
    product: (name, isHttp) => `target/wasm32-wasip2/release/${isHttp ? name.replaceAll("-", "_") : name}.wasm`,
    isCgi: false,
    leavings: ["/target"],
  },
  {
    name: "c",
    title: "C",
    others: ["clang"],
    build: () => "make",
    product: besideSources,
    isCgi: true,
    leavings: ["*.wasm"],
  },
  {
    name: "ts",
    title: "TypeScript",
    others: ["typescript", "javascript", "js", "node"],
    build: () => "npm install && npm run build",
    product: besideSources,
    isCgi: false,
    leavings: ["node_modules/", "*.wasm"],
  },
  {
    name: "py",
    title: "Python",
    others: ["python", "python3"],
    build: () => "python3 build.py",
    product: besideSources,
    isCgi: false,
    leavings: [".venv/", "__pycache__/", "*.wasm"],
  },
  {
    name: "go",
    title: "Go",
    others: ["golang"],
    build: (name) => `GOOS=wasip1 GOARCH=wasm go build -o ${name}.wasm`,
    product: besideSources,
    isCgi: true,
    leavings: ["*.wasm"],
  },
];

/** What is typed in a new project's folder: what builds it, and what runs it. */
export function nextCommands(language: Language, name: string, isHttp: boolean): { build: string; run: string } {
  const start = isHttp ? `sampan serve${language.isCgi ? " --cgi" : ""}` : "sampan run";
  return { build: language.build(name), run: `${start} ${language.product(name, isHttp)}` };
}
