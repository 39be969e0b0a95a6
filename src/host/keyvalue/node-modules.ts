/** Node's modules for stores, loaded when a workload has one: a start without costs nothing. */
export const storeModules = {
  get sqlite() {
    return process.getBuiltinModule("node:sqlite");
  },
};
