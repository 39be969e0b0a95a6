export { loadProject } from "./file/load-project.ts";
export type {
  Dependency,
  Healthcheck,
  LoadOptions,
  Mount,
  Network,
  Problem,
  Project,
  PublishedPort,
  Secret,
  Service,
  ServiceImage,
  ServiceLimits,
  ServiceNetwork,
  ServiceSecret,
  StandInFamily,
  Volume,
} from "./file/model.ts";
export { projectName } from "./file/project-name.ts";
export { supportDocument } from "./file/support-document.ts";
export { writeProject } from "./file/write-project.ts";
export { bringUp, type UpOptions } from "./project/bring-up.ts";
export { type ContainerExit, followed, type ProjectLogEntry, type ProjectLogOptions } from "./project/project-logs.ts";
export { holderRoutes } from "./project/holder-api.ts";
export { liveRows, type VersionReply } from "./project/holder-api.ts";
export { secretValues } from "./project/instances.ts";
export { type OperationEnd, ProjectClient, type Operations } from "./project/project-client.ts";
export { projectToData } from "./project/project-data.ts";
export { ProjectHolder } from "./project/project-holder.ts";
export type { ContainerRow } from "./project/project-rows.ts";
export type { RunningProject } from "./project/running-project.ts";
export { standardRunners } from "./project/standard-runners.ts";
export type { Step, Tell } from "./project/steps.ts";
export { waitHealthy } from "./project/wait-for.ts";
export { restartServices, stopServices, takeDown } from "./project/take-down.ts";
