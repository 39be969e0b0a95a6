import { defaultGrants } from "../../capabilities/index.ts";
import type { Service } from "./model.ts";

/** Compose files that are right, and what the service `web` comes to. */
export interface GoodProject {
  readonly name: string;
  /** What stands below `web:`, besides the image. */
  readonly web: string;
  readonly rest?: string;
  readonly expected: Partial<Service>;
}

const published = { hostIp: "0.0.0.0", hostPort: 0, protocol: "tcp" } as const;

/** Each form of the specification that has a short and a long way, and the forms of values. */
export const goodProjects: readonly GoodProject[] = [
  {
    name: "text as a command",
    web: `command: serve -a 'b c' "d \\"e" f\\ g`,
    expected: { args: ["serve", "-a", "b c", 'd "e', "f g"] },
  },
  {
    name: "a list as a command",
    web: "command: [serve, '$$HOME']",
    expected: { args: ["serve", "$HOME"], argvFromFile: false },
  },
  {
    name: "an entrypoint",
    web: "entrypoint: [app, -v]\ncommand: x",
    expected: { args: ["app", "-v", "x"], argvFromFile: true },
  },
  { name: "no command", web: "command: null", expected: { args: [] } },
  {
    name: "variables as a map",
    web: "environment:\n  A: 1\n  B: true\n  C: 1.5\n  D:\n  HOME:\n  E: ''\n  F: 0755",
    expected: { env: { A: "1", B: "true", C: "1.5", HOME: "/home/me", E: "", F: "493" } },
  },
  {
    name: "variables as a list",
    web: "environment: [A=b=c, HOME, NONE, E=]",
    expected: { env: { A: "b=c", HOME: "/home/me", E: "" } },
  },
  {
    name: "variables put in",
    web: 'environment:\n  A: "${HOME}/x"\n  B: ${NONE:-${HOME:+yes}}\n  C: ${NONE-}\n  D: $$5 $1\n  E: ${HOME:?no}',
    expected: { env: { A: "/home/me/x", B: "yes", C: "", D: "$5 $1", E: "/home/me" } },
  },
  { name: "a port of the guest", web: 'ports: ["80"]', expected: { ports: [{ ...published, guestPort: 80 }] } },
  { name: "a port as a number", web: "ports: [8080]", expected: { ports: [{ ...published, guestPort: 8080 }] } },
  {
    name: "a published port",
    web: 'ports: ["8080:80/udp"]',
    expected: { ports: [{ ...published, hostPort: 8080, guestPort: 80, protocol: "udp" }] },
  },
  {
    name: "ports of one address",
    web: 'ports: ["127.0.0.1:8080:80", "[::1]:81:81", "::1:82:82", "127.0.0.1::83"]',
    expected: {
      ports: [
        { ...published, hostIp: "127.0.0.1", hostPort: 8080, guestPort: 80 },
        { ...published, hostIp: "::1", hostPort: 81, guestPort: 81 },
        { ...published, hostIp: "::1", hostPort: 82, guestPort: 82 },
        { ...published, hostIp: "127.0.0.1", guestPort: 83 },
      ],
    },
  },
  {
    name: "ranges of ports",
    web: 'ports: ["9000-9001:80-81", "7000-7009:90"]',
    expected: {
      ports: [
        { ...published, hostPort: 9000, guestPort: 80 },
        { ...published, hostPort: 9001, guestPort: 81 },
        { ...published, hostPort: 7000, hostPortLast: 7009, guestPort: 90 },
      ],
    },
  },
  {
    name: "ports in the long form",
    web: 'ports:\n  - { target: 80, published: "8080", host_ip: 127.0.0.1, mode: host }\n  - { target: 53, protocol: udp }',
    expected: {
      ports: [
        { ...published, hostIp: "127.0.0.1", hostPort: 8080, guestPort: 80 },
        { ...published, guestPort: 53, protocol: "udp" },
      ],
    },
  },
  {
    name: "named volumes and modes",
    web: 'volumes: ["data:/data:ro,z", "data:/again"]',
    rest: "volumes:\n  data:\n",
    expected: {
      mounts: [
        { kind: "volume", volume: "data", target: "/data", readOnly: true },
        { kind: "volume", volume: "data", target: "/again", readOnly: false },
      ],
    },
  },
  {
    name: "mounts in the long form",
    web: "volumes:\n  - { type: volume, source: data, target: /data/, volume: { subpath: a/b } }\n  - { type: tmpfs, target: /tmp }\ntmpfs: /run:size=1m",
    rest: "volumes:\n  data:\n",
    expected: {
      mounts: [
        { kind: "volume", volume: "data", target: "/data", readOnly: false, subpath: "a/b" },
        { kind: "tmpfs", target: "/tmp" },
        { kind: "tmpfs", target: "/run" },
      ],
    },
  },
  {
    name: "binds, from the home folder too",
    web: 'volumes:\n  - "~/x:/x:ro"\n  - { type: bind, source: /srv, target: /srv, bind: { create_host_path: false } }',
    expected: {
      mounts: [
        { kind: "bind", source: "/home/me/x", target: "/x", readOnly: true, create: true },
        { kind: "bind", source: "/srv", target: "/srv", readOnly: false, create: false },
      ],
    },
  },
  {
    name: "dependencies as a list",
    web: "depends_on: [db]",
    rest: "  db:\n    image: postgres\n",
    expected: { dependsOn: [{ service: "db", condition: "service_started", restart: false, required: true }] },
  },
  {
    name: "dependencies as a map, one of them of a profile that is off",
    web: "depends_on:\n  db: { condition: service_healthy, restart: true }\n  debug: { condition: service_started, required: false }",
    rest: "  db:\n    image: postgres\n  debug:\n    image: app.wasm\n    profiles: [tools]\n",
    expected: { dependsOn: [{ service: "db", condition: "service_healthy", restart: true, required: true }] },
  },
  {
    name: "a health check as text",
    web: "healthcheck: { test: curl -f http://localhost || exit 1, interval: 1m30s, timeout: 500ms, retries: 5, start_period: 2s }",
    expected: {
      healthcheck: {
        kind: "shell",
        command: ["curl -f http://localhost || exit 1"],
        interval: 90_000,
        timeout: 500,
        retries: 5,
        startPeriod: 2000,
        startInterval: 5000,
      },
    },
  },
  {
    name: "a health check as a list",
    web: "healthcheck: { test: [CMD, nc, -z, localhost, '80'] }",
    expected: {
      healthcheck: {
        kind: "exec",
        command: ["nc", "-z", "localhost", "80"],
        interval: 30_000,
        timeout: 30_000,
        retries: 3,
        startPeriod: 0,
        startInterval: 5000,
      },
    },
  },
  { name: "a health check that is none", web: "healthcheck: { test: [NONE] }", expected: {} },
  { name: "a health check that is off", web: "healthcheck: { disable: true }", expected: {} },
  {
    name: "limits of both kinds",
    web: "deploy:\n  replicas: 2\n  resources:\n    limits: { cpus: '0.5', memory: 1.5gb, pids: 4 }\nx-sampan:\n  limits: { timeout: 1h, max_files: 64, max_output: 1m, max_threads: 2 }",
    expected: {
      scale: 2,
      limits: {
        memory: 1_610_612_736,
        cpus: 0.5,
        pids: 4,
        timeout: 3_600_000,
        maxFiles: 64,
        maxOutput: 1_048_576,
        maxThreads: 2,
      },
    },
  },
  {
    name: "limits of before deploy",
    web: "mem_limit: 64m\ncpus: 2\npids_limit: -1\nscale: 3",
    expected: { scale: 3, limits: { memory: 67_108_864, cpus: 2 } },
  },
  { name: "a restart policy", web: "restart: on-failure:3", expected: { restart: { name: "on-failure", max: 3 } } },
  { name: "no restart, in YAML's word", web: "restart: no", expected: { restart: { name: "no" } } },
  {
    name: "a restart policy of deploy",
    web: "deploy: { restart_policy: { condition: any } }",
    expected: { restart: { name: "always" } },
  },
  {
    name: "the end of a service",
    web: "stop_signal: SIGINT\nstop_grace_period: 2s",
    expected: { stopSignal: "SIGINT", stopGracePeriod: 2000 },
  },
  {
    name: "networks and aliases",
    web: "networks:\n  front:\n  back: { aliases: [api] }",
    rest: "networks:\n  front:\n  back: { internal: true }\n",
    expected: {
      networks: [
        { name: "front", aliases: [] },
        { name: "back", aliases: ["api"] },
      ],
    },
  },
  { name: "no network", web: "network_mode: none", expected: { networks: [] } },
  {
    name: "secrets",
    web: "secrets: [token, { source: token, target: other }, { source: token, target: /etc/token }]",
    rest: "secrets:\n  token: { environment: HOME }\n",
    expected: {
      secrets: [
        { source: "token", target: "/run/secrets/token" },
        { source: "token", target: "/run/secrets/other" },
        { source: "token", target: "/etc/token" },
      ],
    },
  },
  { name: "labels", web: "labels: [a=b, c]", expected: { labels: { a: "b", c: "" } } },
  {
    name: "whom it may connect to",
    web: "x-sampan: { outbound: ['api.example.com:443', '*.example.org'] }",
    expected: { outbound: ["api.example.com:443", "*.example.org"] },
  },
  {
    name: "settings, stores and logs of a component",
    web: "x-sampan:\n  config: { region: eu, price: $$5, n: 3 }\n  keyvalue: { default: /var/lib/shop.db, cache: memory }\n  log: stderr=warn",
    expected: {
      grants: {
        ...defaultGrants,
        config: { region: "eu", price: "$5", n: "3" },
        keyvalue: [{ name: "default", file: "/var/lib/shop.db" }, { name: "cache" }],
        log: { kind: "stderr", level: "warn" },
      },
    },
  },
  { name: "Wasm's platform and runtime", web: "platform: wasi/wasm\nruntime: io.containerd.wasmedge.v1", expected: {} },
  {
    name: "a runtime of its own version",
    web: "platform: wasip2/wasm\nruntime: io.containerd.wasmtime-v2",
    expected: {},
  },
  {
    name: "what asks for nothing",
    web: "privileged: false\ndevices: []\ncap_drop: [ALL]\nread_only: true\ninit: true\ntty: true",
    expected: {},
  },
  {
    name: "a name and no output",
    web: "container_name: shop-web\nattach: false",
    expected: { containerName: "shop-web", attach: false },
  },
  {
    name: "an anchor and a merge key",
    web: "<<: [*more]\nenvironment:\n  <<: *env\n  B: own",
    rest: "",
    expected: { env: { A: "a", B: "own" }, stopSignal: "SIGQUIT" },
  },
];

/** The compose file of a row. */
export function goodText({ web, rest = "" }: GoodProject): string {
  const body = web
    .split("\n")
    .map((line) => `    ${line}\n`)
    .join("");
  const anchors = "x-env: &env { A: a, B: b }\nx-more: &more { stop_signal: SIGQUIT }\n";
  return `${anchors}services:\n  web:\n    image: ./app.wasm\n${body}${rest}`;
}
