import { lstatSync, mkdirSync, rmdirSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { SampanError } from "../../base/index.ts";

/** What the places of a user are found by. */
export interface PlaceSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder. */
  readonly home: string;
  /** The folder for temporary files, such as `/tmp`. */
  readonly temporary: string;
  readonly uid: number;
}

/** Where Sampan keeps what outlives a process. */
export interface Places {
  /** What is to last: models, records, logs and volumes. */
  readonly state: string;
  /** Sockets and what need not outlast a restart of the machine; short, for `sockaddr_un` has 108 bytes. */
  readonly run: string;
}

/** The folders of one project. */
export interface ProjectPlaces {
  readonly name: string;
  /** Its model, records and logs. */
  readonly state: string;
  /** Its socket, secrets and temporary file systems. */
  readonly run: string;
  /** The socket of whoever holds it. */
  readonly socket: string;
  /** The registry of its network, and the folder that has those of all projects. */
  readonly net: string;
  readonly nets: string;
}

/** Most letters of {@link Places.run}: behind it come a project's folder, an address and a port. */
const longestRun = 56;

/** The places of a user, none of which has to be there yet. */
export function placesOf({ env, home, temporary, uid }: PlaceSources): Places {
  const { XDG_STATE_HOME: xdgState = "", XDG_RUNTIME_DIR: xdgRun = "" } = env;
  const state = join(isAbsolute(xdgState) ? xdgState : join(home, ".local", "state"), "sampan");
  const own = join(xdgRun, "sampan");
  const run = isAbsolute(xdgRun) && own.length <= longestRun ? own : join(temporary, `sampan-${uid}`);
  return { state, run };
}

/** What a project can be called where its name is a folder's: nothing that leads elsewhere. */
const projectForm = /^[a-z0-9][a-z0-9_-]{0,199}$/;

/**
 * The folders of a project; those below `run` differ by the state folder too, so that two users' worlds stay apart.
 *
 * @throws PLACE_UNSAFE for what is no project's name
 */
export function projectPlaces({ state, run }: Places, name: string): ProjectPlaces {
  if (!projectForm.test(name)) {
    throw new SampanError("PLACE_UNSAFE", `Cannot keep a project by the name ${JSON.stringify(name)}`, {
      hint: "give it up to 200 small letters, digits, dashes and underscores with -p NAME",
    });
  }
  const id = digest(`${state}\0${name}`);
  const own = join(run, id);
  const nets = join(run, "net");
  return {
    name,
    state: join(state, "projects", name),
    run: own,
    socket: join(own, "api.sock"),
    net: join(nets, id),
    nets,
  };
}

/** The folder of the engine process, which has its lock and its socket. */
export function enginePlace({ state, run }: Places): { readonly folder: string; readonly socket: string } {
  const folder = join(run, `engine-${digest(state)}`);
  return { folder, socket: join(folder, "api.sock") };
}

/**
 * Makes a folder that only this user can enter, and makes sure of it where it was there already.
 *
 * @throws PLACE_UNSAFE
 */
export function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  const isOurs = process.getuid === undefined || (uid === process.getuid() && (mode & 0o077) === 0);
  if (isOurs) return;
  throw new SampanError("PLACE_UNSAFE", `Cannot use the folder "${folder}": others can write to it or own it`, {
    hint: `make it yours alone with chmod 700 ${folder}, or name another by XDG_RUNTIME_DIR and XDG_STATE_HOME`,
  });
}

/** Removes a folder and those above it up to `top`, as far as nothing is in them. */
export function pruneEmpty(folder: string, top: string): void {
  for (let at = folder; at.startsWith(top); at = dirname(at)) {
    try {
      rmdirSync(at);
    } catch {
      return;
    }
  }
}

/** Twelve hexadecimal digits that tell texts apart; nothing rests on nobody finding two of the same. */
export function digest(text: string): string {
  let [low, high] = [0x811c9dc5, 0x1b873593];
  for (const byte of Buffer.from(text)) {
    low = Math.imul(low ^ byte, 0x01000193) >>> 0;
    high = (Math.imul(high ^ byte, 0x5bd1e995) + (low >>> 13)) >>> 0;
  }
  return (high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0")).slice(0, 12);
}
