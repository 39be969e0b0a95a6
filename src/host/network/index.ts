export {
  type BoundStream,
  type Connection,
  type ConnectionHandlers,
  type DatagramHandlers,
  type Datagrams,
  type InternetAddress,
  type MessageConnection,
  type NetworkBackend,
  type OwnNetwork,
  type SocketAddress,
  type SocketFamily,
  type SocketKind,
} from "./backend.ts";
export { directNetwork } from "./direct.ts";
export { adoptNotes, closeNoted, noteDescriptors, type NotedDescriptors } from "./native/descriptors.ts";
export { bindNative, type NativeBindOptions, type NativeBound } from "./native/native-bound.ts";
export { isNetworkData, type NetworkChoice } from "./network-of.ts";
export * from "./project/index.ts";
export { Socket } from "./socket.ts";
export type { ReceiveHow, Received, ShutdownHow, SocketOption } from "./socket-types.ts";
export { type NetworkLimits, Sockets } from "./sockets.ts";
