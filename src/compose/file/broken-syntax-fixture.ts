import type { BrokenProject } from "./broken-project-fixture.ts";

/** Compose files that are wrong, and what is told of them. */
export const brokenSyntax: readonly BrokenProject[] = [
  {
    name: "a tab indents",
    text: `services:
	web:
		image: app.wasm
`,
    told: [
      'compose.yaml:2:1: Cannot read YAML at "web:": a tab stands where blanks indent [COMPOSE_INVALID]',
      "  put blanks in place of the tab",
      'compose.yaml:3:1: Cannot read YAML at "image: app.wasm": a tab stands where blanks indent [COMPOSE_INVALID]',
      "  put blanks in place of the tab",
    ],
  },
  {
    name: "a bracket is not closed",
    text: `services:
  web:
    image: app.wasm
    ports: ["80:80"
`,
    told: [
      "compose.yaml:4:20: Cannot read YAML: a bracket or a quote is not closed before the end of the file [COMPOSE_INVALID]",
      "  close each [, {, \" and ' in the lines above",
    ],
  },
  {
    name: "a quote is not closed",
    text: `services:
  web:
    image: "app.wasm
`,
    told: [
      "compose.yaml:3:21: Cannot read YAML: a bracket or a quote is not closed before the end of the file [COMPOSE_INVALID]",
      "  close each [, {, \" and ' in the lines above",
    ],
  },
  {
    name: "a value holds a colon",
    text: `services:
  web:
    image: app.wasm
    command: serve: now
`,
    told: [
      'compose.yaml:4:14: Cannot read YAML at "command: serve: now": there is a second : in a line without quotes [COMPOSE_INVALID]',
      "  put the value in quotes",
    ],
  },
  {
    name: "a key stands there twice",
    text: `services:
  web:
    image: app.wasm
    image: other.wasm
`,
    told: [
      'compose.yaml:4:5: Cannot read YAML at "image: other.wasm": the key stands there twice [COMPOSE_INVALID]',
      "  remove one of the two",
    ],
  },
  {
    name: "indentation goes back to no line",
    text: `services:
  web:
    image: app.wasm
   ports: []
`,
    told: [
      'compose.yaml:4:1: Cannot read YAML at "ports: []": its indentation fits no line above it, or a bracket above it is open [COMPOSE_INVALID]',
      "  begin it in the column of the keys beside it, and close each bracket",
    ],
  },
  {
    name: "an alias has no anchor above",
    text: `services:
  web:
    image: app.wasm
    environment: *env
`,
    told: [
      'compose.yaml:4:18: Cannot read services.web.environment: nothing above is anchored as "env" [COMPOSE_INVALID]',
      "  write &env in front of what it names",
    ],
  },
  {
    name: "an alias stands in what it names",
    text: `services: &all
  web:
    image: app.wasm
    labels: *all
`,
    told: [
      "compose.yaml:4:13: Cannot read services.web.labels: the alias stands inside what it names [COMPOSE_INVALID]",
      "  write it as plain YAML: keys, values and lists",
    ],
  },
  {
    name: "a tag that there is not",
    text: `services:
  web:
    image: !path app.wasm
`,
    told: [
      "compose.yaml:3:18: Cannot read services.web.image: there is no tag !path; a compose file has !reset and !override [COMPOSE_INVALID]",
      "  write it as plain YAML: keys, values and lists",
    ],
  },
  {
    name: "two documents",
    text: `services:
  web:
    image: app.wasm
---
services: {}
`,
    told: [
      'compose.yaml:4:1: Cannot read YAML at "---": there is more than one document in the file [COMPOSE_INVALID]',
      "  remove the --- between them",
    ],
  },
  {
    name: "the file is empty",
    text: `
`,
    told: [
      'compose.yaml:1:1: Cannot run the project "shop": the file is empty [COMPOSE_INVALID]',
      "  write services: with a name and image: ./app.wasm below it",
    ],
  },
  {
    name: "there are no services",
    text: `name: shop
services: {}
`,
    told: [
      'compose.yaml:2:1: Cannot run the project "shop": there are no services [COMPOSE_INVALID]',
      "  write services: with a name and image: ./app.wasm below it",
    ],
  },
  {
    name: "the file is a list",
    text: `- web
- db
`,
    told: [
      "compose.yaml:1:1: Cannot read the file: found a list, wanted a map [COMPOSE_INVALID]",
      "  write KEY: VALUE lines without dashes",
    ],
  },
  {
    name: "a value in the place of a service",
    text: `services:
  web: app.wasm
`,
    told: [
      'compose.yaml:2:8: Cannot read services.web: found "app.wasm", wanted a map [COMPOSE_INVALID]',
      "  write keys below it: web: and KEY: VALUE in the next line",
    ],
  },
  {
    name: "a variable has a bad form",
    text: `services:
  web:
    image: app.wasm
    command: \${PORT/80/90}
`,
    told: [
      'compose.yaml:4:14: Cannot read services.web.command: "${PORT/80/90}" is no variable [COMPOSE_INVALID]',
      '  write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${NAME:+value}, or "$$" for a dollar sign',
    ],
  },
  {
    name: "a variable is not closed",
    text: `services:
  web:
    image: app.wasm
    environment:
      URL: http://\${HOST
`,
    told: [
      "compose.yaml:5:12: Cannot read services.web.environment.URL: ${ is not closed by a } [COMPOSE_INVALID]",
      '  close it, or write "$$" for a dollar sign',
    ],
  },
  {
    name: "a variable is required",
    text: `services:
  web:
    image: app.wasm
    environment:
      KEY: \${API_KEY:?get one from the shop}
`,
    told: [
      "compose.yaml:5:12: Cannot read services.web.environment.KEY: the variable API_KEY is not set: get one from the shop [COMPOSE_INVALID]",
      "  set it in the environment or in the file .env: API_KEY=VALUE",
    ],
  },
  {
    name: "what is merged is no map",
    text: `services:
  web:
    <<: [1]
    image: app.wasm
`,
    told: [
      'compose.yaml:3:5: Cannot read services.web."<<": what << merges is a map or a list of maps [COMPOSE_INVALID]',
      "  write it as plain YAML: keys, values and lists",
    ],
  },
  {
    name: "a bracket is not closed before the next key",
    text: `services:
  web:
    image: app.wasm
    ports: ["80:80"
    restart: always
`,
    told: [
      'compose.yaml:5:5: Cannot read YAML at "restart: always": its indentation fits no line above it, or a bracket above it is open [COMPOSE_INVALID]',
      "  begin it in the column of the keys beside it, and close each bracket",
    ],
  },
  {
    name: "aliases make too much of it",
    text: `x-a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
x-b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
x-c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
x-d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
x-e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
x-f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
services:
  web:
    image: app.wasm
`,
    told: [
      "compose.yaml:6:9: Cannot read x-f: with its aliases put in it has more than 200000 values [COMPOSE_INVALID]",
      "  write it as plain YAML: keys, values and lists",
    ],
  },
];
