import type { BrokenProject } from "./broken-project-fixture.ts";

/** Compose files that are wrong, and what is told of them. */
export const brokenValues: readonly BrokenProject[] = [
  {
    name: "a module is not there",
    text: `services:
  web:
    image: ap.wasm
`,
    told: [
      'compose.yaml:3:12: Cannot read services.web.image: there is no file "ap.wasm" [COMPOSE_INVALID]',
      "  did you mean app.wasm",
    ],
  },
  {
    name: "an image has no stand-in",
    text: `services:
  cache:
    image: redis:7
`,
    told: [
      'compose.yaml:3:12: Cannot run with services.cache.image: the image "redis:7" will need a Docker Engine, which Sampan does not use yet, and has no stand-in [COMPOSE_UNSUPPORTED]',
      "  name a module: image: ./app.wasm; the images with a stand-in are postgres, nginx, mariadb, mysql",
    ],
  },
  {
    name: "an image with a stand-in is mistyped",
    text: `services:
  db:
    image: docker.io/library/postgress:16
`,
    told: [
      'compose.yaml:3:12: Cannot run with services.db.image: the image "docker.io/library/postgress:16" will need a Docker Engine, which Sampan does not use yet, and has no stand-in [COMPOSE_UNSUPPORTED]',
      "  did you mean postgres",
    ],
  },
  {
    name: "an image has no name",
    text: `services:
  db:
    image: "Post Gres"
`,
    told: [
      'compose.yaml:3:12: Cannot read services.db.image: "Post Gres" is neither a file nor the name of an image [COMPOSE_INVALID]',
      "  name a module, such as ./app.wasm, or an image, such as postgres:16",
    ],
  },
  {
    name: "a service has no image",
    text: `services:
  web:
    command: serve
`,
    told: [
      'compose.yaml:2:3: Cannot read services.web: it lacks the key "image" [COMPOSE_INVALID]',
      "  name a module: image: ./app.wasm",
    ],
  },
  {
    name: "a platform is of another machine",
    text: `services:
  web:
    image: app.wasm
    platform: linux/amd64
`,
    told: [
      'compose.yaml:4:15: Cannot read services.web.platform: found "linux/amd64" for a Wasm module [COMPOSE_INVALID]',
      "  write platform: wasi/wasm, or leave it out",
    ],
  },
  {
    name: "a runtime is of no Wasm",
    text: `services:
  web:
    image: app.wasm
    runtime: runc
`,
    told: [
      'compose.yaml:4:14: Cannot read services.web.runtime: found "runc", which is no known runtime of Wasm [COMPOSE_INVALID]',
      "  leave it out, or write io.containerd.wasmedge.v1",
    ],
  },
  {
    name: "a runtime is mistyped",
    text: `services:
  web:
    image: app.wasm
    runtime: io.containerd.wasmege.v1
`,
    told: [
      'compose.yaml:4:14: Cannot read services.web.runtime: found "io.containerd.wasmege.v1", which is no known runtime of Wasm [COMPOSE_INVALID]',
      "  did you mean io.containerd.wasmedge.v1",
    ],
  },
  {
    name: "a port is too large",
    text: `services:
  web:
    image: app.wasm
    ports: ["8080:80800"]
`,
    told: [
      'compose.yaml:4:13: Cannot read services.web.ports[0]: "80800" in "8080:80800" is not a port from 1 to 65535, or a range of them [COMPOSE_INVALID]',
      '  write "8080:80", "127.0.0.1:8080:80" or "80", each with /udp if it is',
    ],
  },
  {
    name: "ranges of ports differ",
    text: `services:
  web:
    image: app.wasm
    ports: ["8080-8082:80-81"]
`,
    told: [
      'compose.yaml:4:13: Cannot read services.web.ports[0]: "8080-8082:80-81" has 3 ports of the host for 2 of the guest [COMPOSE_INVALID]',
      "  make both ranges equally long",
    ],
  },
  {
    name: "a port has another protocol",
    text: `services:
  web:
    image: app.wasm
    ports: ["53:53/sctp"]
`,
    told: [
      'compose.yaml:4:13: Cannot read services.web.ports[0]: found the protocol "sctp" in "53:53/sctp", wanted tcp or udp [COMPOSE_INVALID]',
      "  write /tcp or /udp, or leave it out",
    ],
  },
  {
    name: "a port's address is a name",
    text: `services:
  web:
    image: app.wasm
    ports: ["localhost:8080:80"]
`,
    told: [
      'compose.yaml:4:13: Cannot read services.web.ports[0]: "localhost" in "localhost:8080:80" is not an address of this machine [COMPOSE_INVALID]',
      "  write an address, such as 127.0.0.1",
    ],
  },
  {
    name: "two services publish one port",
    text: `services:
  web:
    image: app.wasm
    ports: ["8080:80"]
  admin:
    image: app.wasm
    ports:
      - target: 80
        published: 8080
        host_ip: 127.0.0.1
`,
    told: [
      "compose.yaml:8:9: Cannot read services.admin.ports[0]: services.web.ports[0] publishes the port 8080 already [COMPOSE_INVALID]",
      "  publish another port, such as 8081:80",
    ],
  },
  {
    name: "instances share a port",
    text: `services:
  web:
    image: app.wasm
    ports: ["8080:80"]
    deploy:
      replicas: 3
`,
    told: [
      "compose.yaml:4:13: Cannot read services.web.ports[0]: 3 instances cannot all have the port 8080 [COMPOSE_INVALID]",
      '  publish a range, such as "8080-8082:80", or no port of the host',
    ],
  },
  {
    name: "a volume is not declared",
    text: `services:
  db:
    image: postgres
    volumes: ["dta:/var/lib/postgresql/data"]
volumes:
  data:
`,
    told: [
      'compose.yaml:4:15: Cannot read services.db.volumes[0]: there is no volume "dta" [COMPOSE_INVALID]',
      "  did you mean data",
    ],
  },
  {
    name: "a volume's target is relative",
    text: `services:
  web:
    image: app.wasm
    volumes: ["./data:data"]
`,
    told: [
      'compose.yaml:4:15: Cannot read services.web.volumes[0]: the target "data" is not an absolute path of the guest [COMPOSE_INVALID]',
      "  write /data",
    ],
  },
  {
    name: "a volume's mode is mistyped",
    text: `services:
  web:
    image: app.wasm
    volumes: ["./data:/data:r"]
`,
    told: [
      'compose.yaml:4:15: Cannot read services.web.volumes[0]: "r" in "./data:/data:r" is no mode of a volume [COMPOSE_INVALID]',
      "  write :ro to make it read-only, or nothing",
    ],
  },
  {
    name: "two volumes have one target",
    text: `services:
  web:
    image: app.wasm
    volumes: ["./a:/data", "./b:/data/"]
`,
    told: [
      'compose.yaml:4:28: Cannot read services.web.volumes[1]: services.web.volumes[0] has the target "/data" already [COMPOSE_INVALID]',
      "  give one of them another target",
    ],
  },
  {
    name: "a folder without its dot",
    text: `services:
  web:
    image: app.wasm
    volumes: ["data/files:/data"]
`,
    told: [
      'compose.yaml:4:15: Cannot read services.web.volumes[0]: "data/files" is neither a volume\'s name nor a path that begins with a dot [COMPOSE_INVALID]',
      "  write ./data/files",
    ],
  },
  {
    name: "a file is mounted",
    text: `services:
  web:
    image: app.wasm
    volumes: ["./app.wasm:/etc/app.wasm"]
`,
    told: [
      'compose.yaml:4:15: Cannot run with services.web.volumes[0]: "{{DIR}}/app.wasm" is a file, and a guest gets folders [COMPOSE_UNSUPPORTED]',
      "  mount the folder that it is in",
    ],
  },
];
