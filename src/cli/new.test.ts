import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { filesOf } from "./new-files.ts";
import { languages, nextCommands } from "./new-languages.ts";

const templates = join(import.meta.dirname, "../../templates");
const projects = languages.flatMap((language) =>
  [false, true].map((isHttp) => ({ language, name: "my-hello", isHttp })),
);

test("filesOf() fills the name into every file of every template", () => {
  for (const project of projects) {
    const files = filesOf(project);
    const where = `${project.language.name}${project.isHttp ? "-http" : ""}`;
    assert.ok(files.length >= 4, `${where}: ${files.map(([path]) => path).join(", ")}`);
    for (const [path, text] of files) {
      assert.ok(!text.includes("{{"), `${where}/${path} has a placeholder left`);
      assert.ok(text.endsWith("\n") && !path.startsWith("/") && !path.includes(".."), `${where}/${path}`);
    }
    assert.ok(
      files.some(([path, text]) => path !== "README.md" && text.includes("my-hello")),
      `${where} has no name`,
    );
    const readme = files.find(([path]) => path === "README.md")?.[1] ?? "";
    const { build, run } = nextCommands(project.language, project.name, project.isHttp);
    assert.ok(readme.includes(build) && readme.includes(run), `${where}/README.md lacks the commands`);
  }
});

test("templates/ has a folder for each language and kind of project, and nothing else", () => {
  const wanted = languages.flatMap(({ name }) => [name, `${name}-http`]);
  assert.deepEqual(readdirSync(templates).toSorted(), wanted.toSorted());
});

test("nextCommands() says how each project is built and started", () => {
  const commands = projects.map(({ language, name, isHttp }) => nextCommands(language, name, isHttp).run);
  assert.deepEqual(commands, [
    "sampan run target/wasm32-wasip2/release/my-hello.wasm",
    "sampan serve target/wasm32-wasip2/release/my_hello.wasm",
    "sampan run my-hello.wasm",
    "sampan serve --cgi my-hello.wasm",
    "sampan run my-hello.wasm",
    "sampan serve my-hello.wasm",
    "sampan run my-hello.wasm",
    "sampan serve my-hello.wasm",
    "sampan run my-hello.wasm",
    "sampan serve --cgi my-hello.wasm",
  ]);
});
