export { finish, type ServeValues, type WorkloadValues } from "./config/finish.ts";
export { joinValues, readServeFlags, type ServeFlag, workloadFlags } from "./config/from-flags.ts";
export type { ServeConfig } from "./config/model.ts";
export { readServeFile } from "./config/read-file.ts";
export { placeText } from "./config/route.ts";
export {
  cgiSettings,
  clientLimits,
  flagOf,
  type HostPort,
  serverSettings,
  type Setting,
  trustSetting,
  workloadSettings,
} from "./config/settings.ts";
export { settingsDocument } from "./config/settings-document.ts";
export { type RouteRow, Server, type ServerOptions } from "./control/server.ts";
export { runSession, type SessionOptions } from "./control/session.ts";
export { supervise, type SupervisorOptions } from "./control/supervisor.ts";
export { supervisedBy } from "./control/supervisor-link.ts";
