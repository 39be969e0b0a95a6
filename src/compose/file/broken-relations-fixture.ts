import type { BrokenProject } from "./broken-project-fixture.ts";

/** Compose files that are wrong, and what is told of them. */
export const brokenRelations: readonly BrokenProject[] = [
  {
    name: "a network is not declared",
    text: `services:
  web:
    image: app.wasm
    networks: [back]
networks:
  bakc:
`,
    told: [
      'compose.yaml:4:16: Cannot read services.web.networks[0]: there is no network "back" [COMPOSE_INVALID]',
      "  did you mean bakc",
    ],
  },
  {
    name: "a secret is not declared",
    text: `services:
  web:
    image: app.wasm
    secrets: [token]
`,
    told: [
      'compose.yaml:4:15: Cannot read services.web.secrets[0]: there is no secret "token" [COMPOSE_INVALID]',
      "  declare it at the end of the file: secrets: with token: and file: or environment: below it",
    ],
  },
  {
    name: "a secret's file is not there",
    text: `services:
  web:
    image: app.wasm
    secrets: [token]
secrets:
  token:
    file: ./token.txt
`,
    told: [
      'compose.yaml:7:11: Cannot read secrets.token.file: there is no file "./token.txt" [COMPOSE_INVALID]',
      "  make it, or write environment: and a variable's name",
    ],
  },
  {
    name: "a secret's variable is not set",
    text: `services:
  web:
    image: app.wasm
    secrets: [token]
secrets:
  token:
    environment: SHOP_TOKEN
`,
    told: [
      "compose.yaml:7:18: Cannot read secrets.token.environment: the variable SHOP_TOKEN is not set [COMPOSE_INVALID]",
      "  set it in the environment or in the file .env: SHOP_TOKEN=VALUE",
    ],
  },
  {
    name: "a secret comes from nowhere",
    text: `services:
  web:
    image: app.wasm
secrets:
  token: {}
`,
    told: [
      "compose.yaml:5:3: Cannot read secrets.token: it says neither file: nor environment: [COMPOSE_INVALID]",
      "  write file: ./token.txt",
    ],
  },
  {
    name: "a dependency is not there",
    text: `services:
  web:
    image: app.wasm
    depends_on: [bd]
  db:
    image: postgres
`,
    told: [
      'compose.yaml:4:18: Cannot read services.web.depends_on[0]: there is no service "bd" [COMPOSE_INVALID]',
      "  did you mean db",
    ],
  },
  {
    name: "services wait for one another",
    text: `services:
  a:
    image: app.wasm
    depends_on: [b]
  b:
    image: app.wasm
    depends_on: [c]
  c:
    image: app.wasm
    depends_on: [a]
`,
    told: [
      "compose.yaml:10:18: Cannot read services.c.depends_on[0]: services wait for one another: a → b → c → a [COMPOSE_INVALID]",
      "  remove one of these dependencies",
    ],
  },
  {
    name: "nothing tells that a service is healthy",
    text: `services:
  web:
    image: app.wasm
    depends_on:
      api:
        condition: service_healthy
  api:
    image: app.wasm
`,
    told: [
      'compose.yaml:5:7: Cannot read services.web.depends_on.api: the service "api" has no health check to wait for [COMPOSE_INVALID]',
      "  add healthcheck: to api, or wait for service_started",
    ],
  },
  {
    name: "a dependency's profile is off",
    text: `services:
  web:
    image: app.wasm
    depends_on: [debug]
  debug:
    image: app.wasm
    profiles: [tools]
`,
    told: [
      'compose.yaml:4:18: Cannot read services.web.depends_on[0]: the service "debug" is of a profile that is off [COMPOSE_INVALID]',
      "  add --profile tools, or write required: false",
    ],
  },
  {
    name: "a health check has no kind",
    text: `services:
  web:
    image: app.wasm
    healthcheck:
      test: ["curl", "-f", "http://localhost"]
`,
    told: [
      'compose.yaml:5:7: Cannot read services.web.healthcheck.test: its first word is "curl", wanted CMD, CMD-SHELL or NONE [COMPOSE_INVALID]',
      '  write ["CMD", "curl", "-f", "http://localhost"]',
    ],
  },
  {
    name: "a health check has no test",
    text: `services:
  web:
    image: app.wasm
    healthcheck:
      interval: 5s
`,
    told: [
      'compose.yaml:4:5: Cannot read services.web.healthcheck: it lacks the key "test" [COMPOSE_INVALID]',
      '  add test: ["CMD", "curl", "-f", "http://localhost:8080/"]',
    ],
  },
  {
    name: "a duration has no unit",
    text: `services:
  web:
    image: app.wasm
    stop_grace_period: "10"
`,
    told: [
      'compose.yaml:4:24: Cannot read services.web.stop_grace_period: found "10", wanted a duration [COMPOSE_INVALID]',
      "  did you mean 10s",
    ],
  },
  {
    name: "a size has no number",
    text: `services:
  web:
    image: app.wasm
    mem_limit: lots
`,
    told: [
      'compose.yaml:4:16: Cannot read services.web.mem_limit: found "lots", wanted a number and a unit [COMPOSE_INVALID]',
      "  write a size, such as 64m or 1.5gb",
    ],
  },
  {
    name: "a size is too small",
    text: `services:
  web:
    image: app.wasm
    deploy:
      resources:
        limits:
          memory: "64"
`,
    told: [
      "compose.yaml:7:19: Cannot read services.web.deploy.resources.limits.memory: found 64 bytes, and one page of memory has 65536 [COMPOSE_INVALID]",
      "  did you mean 64m",
    ],
  },
  {
    name: "two limits differ",
    text: `services:
  web:
    image: app.wasm
    mem_limit: 64m
    deploy:
      resources:
        limits:
          memory: 128m
`,
    told: [
      "compose.yaml:4:16: Cannot read services.web.mem_limit: services.web.deploy.resources.limits.memory says something else [COMPOSE_INVALID]",
      "  remove one of the two",
    ],
  },
  {
    name: "a number of instances is a word",
    text: `services:
  web:
    image: app.wasm
    scale: many
`,
    told: [
      'compose.yaml:4:12: Cannot read services.web.scale: found "many", wanted a whole number [COMPOSE_INVALID]',
      "  write a whole number, such as 3",
    ],
  },
  {
    name: "a restart policy is mistyped",
    text: `services:
  web:
    image: app.wasm
    restart: on-falure:3
`,
    told: [
      'compose.yaml:4:14: Cannot read services.web.restart: found "on-falure:3", which is no restart policy [COMPOSE_INVALID]',
      "  did you mean on-failure",
    ],
  },
  {
    name: "a signal is mistyped",
    text: `services:
  web:
    image: app.wasm
    stop_signal: SIGTREM
`,
    told: [
      'compose.yaml:4:18: Cannot read services.web.stop_signal: found "SIGTREM", which is no signal that ends a guest [COMPOSE_INVALID]',
      "  write SIGTERM",
    ],
  },
  {
    name: "a command's quote is not closed",
    text: `services:
  web:
    image: app.wasm
    command: serve --name 'a b
`,
    told: [
      "compose.yaml:4:14: Cannot read services.web.command: the quote ' is not closed in \"serve --name 'a b\" [COMPOSE_INVALID]",
      "  close it, or write a list of words",
    ],
  },
  {
    name: "an env file is not there",
    text: `services:
  web:
    image: app.wasm
    env_file: web.env
`,
    told: [
      'compose.yaml:4:15: Cannot read services.web.env_file: there is no file "web.env" that can be read [COMPOSE_INVALID]',
      "  make it, or write path: and required: false",
    ],
  },
  {
    name: "an env file has a bad line",
    text: `services:
  web:
    image: app.wasm
    env_file: bad.env
`,
    files: { "bad.env": 'GOOD=1\n=nothing\nBAD="open\n' },
    told: [
      'bad.env:2:1: Cannot read the env file: "=nothing" names no variable [COMPOSE_INVALID]',
      "  write NAME=VALUE",
      "bad.env:3:1: Cannot read the env file: a quote is not closed [COMPOSE_INVALID]",
      '  close the value with "',
    ],
  },
  {
    name: "an outbound host is a URL",
    text: `services:
  web:
    image: app.wasm
    x-sampan:
      outbound: https://example.com/
`,
    told: [
      'compose.yaml:5:17: Cannot read services.web.x-sampan.outbound: "https://example.com/": it is a URL, not a host and a port; wanted HOST[:PORT[-PORT]], such as "api.example.com:443" [COMPOSE_INVALID]',
      "  write HOST or HOST:PORT, such as api.example.com:443",
    ],
  },
  {
    name: "settings, stores and logs have another form",
    text: `services:
  web:
    image: app.wasm
    x-sampan:
      config: [region=eu]
      keyvalue: { default: "" }
      log: stderr=loud
      logs: stderr
`,
    told: [
      "compose.yaml:5:7: Cannot read services.web.x-sampan.config: wanted a map [COMPOSE_INVALID]",
      "  write KEY: VALUE below it",
      'compose.yaml:6:28: Cannot read services.web.x-sampan.keyvalue.default: it does not say where the store is; wanted NAME=memory|FILE, such as "default=./data.db" [COMPOSE_INVALID]',
      "  write NAME: memory or NAME: ./FILE below it, such as default: ./data.db",
      'compose.yaml:7:12: Cannot read services.web.x-sampan.log: "loud" is no level: LEVEL is one of trace, debug, info, warn, error, critical; wanted none|stdout[=LEVEL]|stderr[=LEVEL], such as "stderr=warn" [COMPOSE_INVALID]',
      "  write stdout or stderr, with a level where not all lines are wanted: stderr=warn",
      'compose.yaml:8:7: Cannot read services.web.x-sampan.logs: there is no key "logs" here [COMPOSE_INVALID]',
      "  did you mean log",
    ],
  },
  {
    name: "an external volume is called as no folder can be",
    text: `services:
  web:
    image: app.wasm
volumes:
  "..":
    external: true
`,
    told: [
      'compose.yaml:5:3: Cannot read volumes."..": ".." is no name [COMPOSE_INVALID]',
      "  use letters, digits, dots, dashes and underscores",
    ],
  },
  {
    name: "a name is taken twice",
    text: `services:
  a:
    image: app.wasm
    container_name: shop
  b:
    image: app.wasm
    container_name: shop
`,
    told: [
      'compose.yaml:7:21: Cannot read services.b.container_name: the service "a" has the container_name "shop" as well [COMPOSE_INVALID]',
      "  give one of them another name",
    ],
  },
  {
    name: "a working directory is relative",
    text: `services:
  web:
    image: app.wasm
    working_dir: data
`,
    told: [
      'compose.yaml:4:18: Cannot read services.web.working_dir: "data" is not an absolute path of the guest [COMPOSE_INVALID]',
      "  write /data",
    ],
  },
];
