export { type ProjectAddress, type ProjectNetworkConfig, projectSocket, type PublishedPort } from "./config.ts";
export { projectNetwork } from "./project-network.ts";
export { ProjectPlace } from "./project-place.ts";
