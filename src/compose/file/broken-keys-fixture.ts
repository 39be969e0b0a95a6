import type { BrokenProject } from "./broken-project-fixture.ts";

/** Compose files that are wrong, and what is told of them. */
export const brokenKeys: readonly BrokenProject[] = [
  {
    name: "a key of a service is mistyped",
    text: `services:
  web:
    image: app.wasm
    prots: ["8080:80"]
`,
    told: [
      'compose.yaml:4:5: Cannot read services.web.prots: there is no key "prots" here [COMPOSE_INVALID]',
      "  did you mean ports",
    ],
  },
  {
    name: "a key has the name of Docker's flag",
    text: `services:
  web:
    image: app.wasm
    env:
      A: b
`,
    told: [
      'compose.yaml:4:5: Cannot read services.web.env: there is no key "env" here [COMPOSE_INVALID]',
      "  did you mean environment",
    ],
  },
  {
    name: "services stand at the top",
    text: `web:
  image: app.wasm
services:
  db:
    image: postgres
`,
    told: [
      'compose.yaml:1:1: Cannot read web: there is no key "web" here [COMPOSE_INVALID]',
      "  indent it below services: where the services are",
    ],
  },
  {
    name: "a key of the top is mistyped",
    text: `servces:
  web:
    image: app.wasm
`,
    told: [
      'compose.yaml:1:1: Cannot read servces: there is no key "servces" here [COMPOSE_INVALID]',
      "  did you mean services",
    ],
  },
  {
    name: "text in the place of a list",
    text: `services:
  web:
    image: app.wasm
    ports: "8080:80"
`,
    told: [
      'compose.yaml:4:12: Cannot read services.web.ports: found "8080:80", wanted a list [COMPOSE_INVALID]',
      '  write it as a list: ports: ["8080:80"]',
    ],
  },
  {
    name: "a list in the place of text",
    text: `services:
  web:
    image: [app.wasm]
`,
    told: [
      "compose.yaml:3:5: Cannot read services.web.image: found a list, wanted text [COMPOSE_INVALID]",
      "  write text behind image:",
    ],
  },
  {
    name: "a number in the place of text",
    text: `services:
  web:
    image: app.wasm
    working_dir: 5
`,
    told: [
      "compose.yaml:4:18: Cannot read services.web.working_dir: found 5, wanted text [COMPOSE_INVALID]",
      '  put it in quotes: "5"',
    ],
  },
  {
    name: "a key without a value",
    text: `services:
  web:
    image:
`,
    told: [
      "compose.yaml:3:5: Cannot read services.web.image: found nothing, wanted text [COMPOSE_INVALID]",
      "  write image: and text, or remove the key",
    ],
  },
  {
    name: "a list where a map is wanted",
    text: `services:
  web:
    image: app.wasm
    deploy:
      - replicas: 2
`,
    told: [
      "compose.yaml:4:5: Cannot read services.web.deploy: found a list, wanted a map [COMPOSE_INVALID]",
      "  write KEY: VALUE lines without dashes",
    ],
  },
  {
    name: "the same item twice",
    text: `services:
  web:
    image: app.wasm
    profiles: [a, b, a]
`,
    told: [
      'compose.yaml:4:22: Cannot read services.web.profiles[2]: "a" stands in the list already [COMPOSE_INVALID]',
      "  remove one of the two",
    ],
  },
  {
    name: "a service's name has a blank",
    text: `services:
  my web:
    image: app.wasm
`,
    told: [
      'compose.yaml:2:3: Cannot read services."my web": "my web" is no name [COMPOSE_INVALID]',
      "  use letters, digits, dots, dashes and underscores",
    ],
  },
  {
    name: "a condition is mistyped",
    text: `services:
  web:
    image: app.wasm
    depends_on:
      db:
        condition: service_helthy
  db:
    image: postgres
`,
    told: [
      'compose.yaml:6:20: Cannot read services.web.depends_on.db.condition: found "service_helthy", wanted one of service_started, service_healthy, service_completed_successfully [COMPOSE_INVALID]',
      "  did you mean service_healthy",
    ],
  },
  {
    name: "a condition is missing",
    text: `services:
  web:
    image: app.wasm
    depends_on:
      db:
        restart: true
  db:
    image: postgres
`,
    told: [
      'compose.yaml:5:7: Cannot read services.web.depends_on.db: it lacks the key "condition" [COMPOSE_INVALID]',
      "  add condition: to it",
    ],
  },
  {
    name: "a key of x-sampan is mistyped",
    text: `services:
  web:
    image: app.wasm
    x-sampan:
      outbond: example.com
      limits:
        max-files: 10
`,
    told: [
      'compose.yaml:5:7: Cannot read services.web.x-sampan.outbond: there is no key "outbond" here [COMPOSE_INVALID]',
      "  did you mean outbound",
      'compose.yaml:7:9: Cannot read services.web.x-sampan.limits.max-files: there is no key "max-files" here [COMPOSE_INVALID]',
      "  did you mean max_files",
    ],
  },
  {
    name: "a mount's type is missing",
    text: `services:
  web:
    image: app.wasm
    volumes:
      - source: ./data
        target: /data
`,
    told: [
      'compose.yaml:5:9: Cannot read services.web.volumes[0]: it lacks the key "type" [COMPOSE_INVALID]',
      "  add type: to it",
    ],
  },
  {
    name: "the project's name has capitals",
    text: `name: My Shop
services:
  web:
    image: app.wasm
`,
    told: [
      'compose.yaml:1:7: Cannot read name: "My Shop" is no name of a project [COMPOSE_INVALID]',
      "  did you mean myshop",
    ],
  },
  {
    name: "much is wrong at once",
    text: `services:
  web:
    imgae: app.wasm
    ports: ["80:99999"]
    depends_on: [bd]
  db:
    image: postgres
    restart: allways
`,
    told: [
      'compose.yaml:3:5: Cannot read services.web.imgae: there is no key "imgae" here [COMPOSE_INVALID]',
      "  did you mean image",
      'compose.yaml:4:13: Cannot read services.web.ports[0]: "99999" in "80:99999" is not a port from 1 to 65535, or a range of them [COMPOSE_INVALID]',
      '  write "8080:80", "127.0.0.1:8080:80" or "80", each with /udp if it is',
      'compose.yaml:5:18: Cannot read services.web.depends_on[0]: there is no service "bd" [COMPOSE_INVALID]',
      "  did you mean db",
      'compose.yaml:8:14: Cannot read services.db.restart: found "allways", which is no restart policy [COMPOSE_INVALID]',
      "  did you mean always",
    ],
  },
];
