/** Whether the bundle has all that a component may need. The bundler leaves this file out where it leaves out others. */
export const isWhole = true;
