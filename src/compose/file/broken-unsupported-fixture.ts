import type { BrokenProject } from "./broken-project-fixture.ts";

/** Compose files that are wrong, and what is told of them. */
export const brokenUnsupported: readonly BrokenProject[] = [
  {
    name: "an image is built",
    text: `services:
  web:
    build: .
`,
    told: [
      "compose.yaml:3:5: Cannot run with services.web.build: Sampan builds no images yet [COMPOSE_UNSUPPORTED]",
      "  build the module first and name it: image: ./app.wasm",
    ],
  },
  {
    name: "a service is privileged",
    text: `services:
  web:
    image: app.wasm
    privileged: true
`,
    told: [
      "compose.yaml:4:5: Cannot run with services.web.privileged: a guest has grants and nothing else [COMPOSE_UNSUPPORTED]",
      "  grant what it needs: volumes, ports, x-sampan.outbound",
    ],
  },
  {
    name: "configs are used",
    text: `services:
  web:
    image: app.wasm
    configs: [page]
configs:
  page:
    file: ./page.html
`,
    told: [
      "compose.yaml:4:5: Cannot run with services.web.configs: there are no configs yet [COMPOSE_UNSUPPORTED]",
      "  mount the file's folder under volumes:, or use secrets:",
    ],
  },
  {
    name: "devices are used",
    text: `services:
  web:
    image: app.wasm
    devices: ["/dev/sda:/dev/sda"]
`,
    told: [
      "compose.yaml:4:5: Cannot run with services.web.devices: a guest has no devices [COMPOSE_UNSUPPORTED]",
      "  leave it out, or run this service in Docker",
    ],
  },
  {
    name: "the host's network is used",
    text: `services:
  web:
    image: app.wasm
    network_mode: host
`,
    told: [
      "compose.yaml:4:19: Cannot run with services.web.network_mode: a guest's ports are its own, not the host's [COMPOSE_UNSUPPORTED]",
      '  publish them: ports: ["8080:8080"]',
    ],
  },
  {
    name: "another service's network is used",
    text: `services:
  web:
    image: app.wasm
    network_mode: service:db
  db:
    image: postgres
`,
    told: [
      "compose.yaml:4:19: Cannot run with services.web.network_mode: guests share no network of another one [COMPOSE_UNSUPPORTED]",
      "  put both services on one network",
    ],
  },
  {
    name: "a service extends another",
    text: `services:
  web:
    extends: base
    image: app.wasm
`,
    told: [
      "compose.yaml:3:5: Cannot run with services.web.extends: services cannot extend others yet [COMPOSE_UNSUPPORTED]",
      "  use a YAML anchor and <<, or a second file with -f",
    ],
  },
  {
    name: "a file is included",
    text: `include: [other.yaml]
services:
  web:
    image: app.wasm
`,
    told: [
      "compose.yaml:1:1: Cannot run with include: files are not included yet [COMPOSE_UNSUPPORTED]",
      "  name both files: -f compose.yaml -f other.yaml",
    ],
  },
  {
    name: "a volume has a driver",
    text: `services:
  db:
    image: postgres
    volumes: ["data:/var/lib/postgresql/data"]
volumes:
  data:
    driver: nfs
`,
    told: [
      'compose.yaml:7:13: Cannot run with volumes.data.driver: there is no driver "nfs" [COMPOSE_UNSUPPORTED]',
      "  leave it out: a volume is a folder",
    ],
  },
  {
    name: "a network has a driver",
    text: `services:
  web:
    image: app.wasm
networks:
  default:
    driver: macvlan
`,
    told: [
      'compose.yaml:6:13: Cannot run with networks.default.driver: there is no driver "macvlan" [COMPOSE_UNSUPPORTED]',
      "  leave it out: networks are Sampan's own",
    ],
  },
  {
    name: "a secret is elsewhere",
    text: `services:
  web:
    image: app.wasm
    secrets: [token]
secrets:
  token:
    external: true
`,
    told: [
      "compose.yaml:7:5: Cannot run with secrets.token.external: secrets come from a file or a variable [COMPOSE_UNSUPPORTED]",
      "  write file: or environment:",
    ],
  },
  {
    name: "an image of Wasm would be pulled",
    text: `services:
  db:
    image: postgres:16
    platform: wasi/wasm
`,
    told: [
      'compose.yaml:4:15: Cannot run with services.db.platform: images of Wasm are not pulled yet, and "postgres:16" has a stand-in that is no Wasm [COMPOSE_UNSUPPORTED]',
      "  name the module's file: image: ./app.wasm",
    ],
  },
  {
    name: "a mount is of another type",
    text: `services:
  web:
    image: app.wasm
    volumes:
      - type: npipe
        source: a
        target: /a
`,
    told: [
      "compose.yaml:5:15: Cannot run with services.web.volumes[0].type: there are no mounts of type npipe [COMPOSE_UNSUPPORTED]",
      "  write type: bind, volume or tmpfs",
    ],
  },
  {
    name: "hooks are used",
    text: `services:
  web:
    image: app.wasm
    post_start:
      - command: ./seed
`,
    told: [
      "compose.yaml:4:5: Cannot run with services.web.post_start: there are no hooks yet [COMPOSE_UNSUPPORTED]",
      "  run it as a service of its own that depends_on this one",
    ],
  },
];
