import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { closing, opened } from "./descriptors.ts";
import { type Native, nativeOrUndefined, nodeInternals } from "../../../base/native.ts";

/** What is told of a descriptor: bits of EPOLL… (epoll_ctl(2)). */
export interface Watcher {
  ready(events: number): void;
}

/** Bits of what epoll tells. */
export const epollBit = { in: 0x1, out: 0x4, error: 0x8, hangUp: 0x10, peerEnded: 0x2000, edge: 0x8000_0000 } as const;

/** What the loop looks at of Node's own. */
interface NodeTimers {
  /** Immediates that wait, first of its numbers. */
  readonly immediates: Uint32Array;
  /** The time that timers go by, in ms. */
  readonly now: () => number;
  /** When the next timer is due. */
  readonly due: () => number | undefined;
  /**
   * Runs what promises and ticks have waiting, as Node does behind each event of its own: what one event began is done before
   * the next is told, and guests that wait for nothing do not pile up.
   */
  readonly settle: () => void;
}

const control = { add: 1, remove: 2, change: 3 } as const;
const closesOnExec = 0o2_000_000;
/** Events that one look takes. */
const mostEvents = 256;
/** A record of epoll_wait(2) has 12 bytes on x64, and 16 elsewhere. */
const recordWords = process.arch === "x64" ? 3 : 4;
/** How long in ms it waits at first and at most for something to happen. */
const wait = { least: 1, most: 250 } as const;

/**
 * An event loop for sockets within Node's: one look for all of them in each turn of it, without what Node does around each
 * read and write. While nothing happens it waits in Node's place, for its own descriptors and, by the descriptor that Node's
 * loop itself waits with, for everything of Node's; timers bound how long.
 */
export class NativeLoop {
  readonly native: Native;
  readonly #timers: NodeTimers;
  readonly #watchers = new Map<number, { readonly watcher: Watcher; readonly serial: number }>();
  /** Tells what is watched now from what was watched by the same number: it may have been closed within a turn. */
  #serial = 0;
  readonly #epoll: number;
  readonly #area: { readonly words: Uint32Array; readonly events: bigint; readonly one: bigint };
  readonly #turn = (): void => this.#look();
  #later: (() => void)[] = [];
  /** What waits for the end of this turn. */
  readonly #after: (() => void)[] = [];
  #isLooking = false;
  #isScheduled = false;
  #immediate: NodeJS.Immediate | undefined;
  #isIdle = false;
  #pause: number = wait.least;
  /** Looks for what Node's loop waits with, until it was found or cannot be. */
  #guide: NodeGuide | undefined;
  #seesNode = false;

  constructor(native: Native, timers: NodeTimers) {
    this.native = native;
    this.#timers = timers;
    const { bytes, address } = native.allocate(16 + mostEvents * recordWords * 4);
    this.#area = { words: new Uint32Array(bytes.buffer), one: address, events: address + 16n };
    this.#epoll = native.c.epoll_create1(closesOnExec);
    opened(this.#epoll);
    this.#guide = NodeGuide.make(native);
  }

  /** Looks so far. */
  looks = 0;

  /** Whether it waits for what Node's loop waits for. */
  get seesNode(): boolean {
    return this.#seesNode;
  }

  /** How many descriptors it watches. */
  get size(): number {
    return this.#watchers.size;
  }

  /** Watches a descriptor for changes: each is told once. The process lives on meanwhile. */
  add(fd: number, watcher: Watcher): void {
    this.#watch(fd, watcher, epollBit.in | epollBit.out | epollBit.peerEnded | epollBit.edge);
  }

  /** Watches a descriptor for as long as something is there to be read. */
  addLevel(fd: number, watcher: Watcher): void {
    this.#watch(fd, watcher, epollBit.in);
  }

  /** Watches no more; to be called before the descriptor is closed. */
  remove(fd: number): void {
    if (this.#watchers.delete(fd)) this.#control(control.remove, fd, 0);
  }

  /** Runs something when all that this turn told was handled; outside of a turn, in the next. */
  afterTurn(run: () => void): void {
    if (this.#isLooking) this.#after.push(run);
    else this.later(run);
  }

  /** Runs something in the next turn. */
  later(run: () => void): void {
    this.#later.push(run);
    this.#schedule();
  }

  #watch(fd: number, watcher: Watcher, events: number): void {
    this.#serial = (this.#serial + 1) >>> 0;
    this.#watchers.set(fd, { watcher, serial: this.#serial });
    this.#control(control.add, fd, events);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#immediate = setImmediate(this.#turn);
  }

  #look(): void {
    this.#isScheduled = false;
    this.looks += 1;
    const { events } = this.#area;
    const count = this.native.c.epoll_wait(this.#epoll, events, mostEvents, this.#timeout());
    this.#isIdle = count <= 0 && this.#later.length === 0;
    if (!this.#isIdle) this.#pause = wait.least;
    // Whatever is told may throw: the next turn comes all the same.
    this.#schedule();
    this.#isLooking = true;
    try {
      this.#tell(count);
    } finally {
      this.#isLooking = false;
      this.#later.push(...this.#after.splice(0));
    }
    if (this.#guide !== undefined) this.#findNode(this.#guide);
    if (this.#watchers.size === 0 && this.#later.length === 0) this.#rest();
  }

  #tell(count: number): void {
    const { words } = this.#area;
    for (let at = 4; at < 4 + count * recordWords; at += recordWords) {
      // For Node's own nothing is to be done: its loop looks before the next turn.
      const watched = this.#watchers.get(words[at + recordWords - 2] ?? -1);
      if (watched?.serial === words[at + recordWords - 1]) watched?.watcher.ready(words[at] ?? 0);
      this.#timers.settle();
    }
    if (this.#later.length > 0) {
      const due = this.#later;
      this.#later = [];
      for (let run = due.shift(); run !== undefined; run = due.shift()) {
        try {
          run();
          this.#timers.settle();
        } catch (error) {
          this.#later.unshift(...due);
          throw error;
        }
      }
    }
    for (let run = this.#after.shift(); run !== undefined; run = this.#after.shift()) run();
  }

  #rest(): void {
    clearImmediate(this.#immediate);
    this.#isScheduled = this.#isIdle = false;
  }

  /** How long in ms the next look may wait. */
  #timeout(): number {
    const { immediates, due, now } = this.#timers;
    if (!this.#isIdle || (immediates[0] ?? 0) > 0) return 0;
    const pause = this.#pause;
    // Where Node's loop cannot be seen it is looked after by turns.
    if (this.#seesNode) this.#pause = Math.min(pause * 2, wait.most);
    const next = due();
    return next === undefined ? pause : Math.max(0, Math.min(pause, next - now()));
  }

  #findNode(guide: NodeGuide): void {
    const found = guide.find();
    if (found === "later") return;
    this.#guide = undefined;
    guide.close();
    if (found === undefined) return;
    this.#seesNode = true;
    this.#control(control.add, found, epollBit.in);
  }

  #control(operation: number, fd: number, events: number): void {
    const { words, one } = this.#area;
    words[0] = events;
    words[recordWords - 2] = fd;
    words[recordWords - 1] = this.#watchers.get(fd)?.serial ?? 0;
    this.native.c.epoll_ctl(this.#epoll, operation, fd, one);
  }
}

/** A stream of Node's that never has anything to read: the descriptor that waits for it is the one of this thread's loop. */
class NodeGuide {
  readonly #native: Native;
  readonly #fds: readonly [number, number];
  readonly #pipe: NodePipe;
  #looks = 0;

  private constructor(native: Native, Pipe: new (kind: number) => NodePipe) {
    this.#native = native;
    const { bytes, address } = native.allocate(8);
    const made = native.c.socketpair(unixFamily, streamKind | closesOnExec | nonBlocking, 0, address);
    const [ours = -1, other = -1] = new Int32Array(bytes.buffer);
    if (made < 0) throw new Error("No pair of sockets can be had");
    this.#fds = [ours, other];
    opened(other);
    this.#pipe = new Pipe(0);
    this.#pipe.open(ours);
    this.#pipe.unref();
    this.#pipe.readStart();
  }

  /** Undefined where Node does not let anybody look. */
  static make(native: Native): NodeGuide | undefined {
    try {
      const found = nodeInternals()?.binding("pipe_wrap") as
        | { readonly Pipe: new (kind: number) => NodePipe }
        | undefined;
      return found === undefined ? undefined : new NodeGuide(native, found.Pipe);
    } catch {
      return undefined;
    }
  }

  /** The descriptor; undefined where there is none to be seen. */
  find(): number | "later" | undefined {
    // Node asks the system to watch only when its loop goes round.
    const target = new RegExp(`^tfd:\\s+${this.#fds[0]}\\s`, "m");
    this.#looks += 1;
    try {
      for (const name of readdirSync("/proc/self/fd")) {
        if (isEpoll(name) && target.test(readFileSync(`/proc/self/fdinfo/${name}`, "latin1"))) return Number(name);
      }
    } catch {
      return undefined;
    }
    return this.#looks < mostLooks ? "later" : undefined;
  }

  close(): void {
    this.#pipe.close();
    closing(this.#fds[1]);
    this.#native.c.close(this.#fds[1]);
  }
}

/** A pipe of Node's. */
interface NodePipe {
  open(fd: number): void;
  unref(): void;
  readStart(): void;
  close(): void;
}

const unixFamily = 1;
const streamKind = 1;
const nonBlocking = 0o4000;
const mostLooks = 4;

function isEpoll(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:[eventpoll]";
  } catch {
    // It was closed meanwhile.
    return false;
  }
}

let ofThread: NativeLoop | undefined | "none";

/** The loop of this thread, which is made when it is first asked for; undefined where the system or Node has no such calls. */
export function nativeLoop(): NativeLoop | undefined {
  if (ofThread === undefined) {
    const native = nativeOrUndefined();
    const timers = native === undefined ? undefined : nodeTimers();
    ofThread = native === undefined || timers === undefined ? "none" : new NativeLoop(native, timers);
  }
  return ofThread === "none" ? undefined : ofThread;
}

function nodeTimers(): NodeTimers | undefined {
  const internals = nodeInternals();
  const inner = internals?.binding("timers") as InnerTimers | undefined;
  const lists = internals?.module("timers") as
    | { readonly timerListQueue?: { peek(): { readonly expiry: number } | undefined } }
    | undefined;
  const queue = lists?.timerListQueue;
  if (inner?.immediateInfo === undefined || typeof inner.getLibuvNow !== "function" || queue === undefined)
    return undefined;
  // Called as its method: the quick way of V8's to it looks into what it is called on, and aborts for anything else.
  const settle: unknown = "_tickCallback" in process ? process._tickCallback : undefined;
  if (typeof settle !== "function") return undefined;
  return {
    immediates: inner.immediateInfo,
    now: () => inner.getLibuvNow(),
    due: () => queue.peek()?.expiry,
    settle: settle as () => void,
  };
}

interface InnerTimers {
  readonly immediateInfo?: Uint32Array;
  getLibuvNow(): number;
}
