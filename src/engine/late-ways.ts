// What run-late.ts loads: a file of its own in the bundle.
export { keepComponent, runComponent } from "./component/run-component.ts";
export { runWaiting } from "./run-waiting.ts";
export { runThreads } from "./threads/run-threads.ts";
