// What a worker of a pool loads when the first component comes.
export { ComponentServer } from "./component/remote/component-server.ts";
