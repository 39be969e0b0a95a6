import { type ComponentImports, dropsGiven, type HostProvider } from "../../component/index.ts";

/** What a program gives a component. */
interface Given {
  readonly imports?: ComponentImports | undefined;
  readonly provider?: HostProvider | undefined;
}

/** What provides imports that a program does not give as such: its own provider, then WASI. */
export function providerOf({ imports = {}, provider }: Given, wasi: HostProvider): HostProvider {
  return (interfaceName, functionName, type) => {
    if (dropsGiven(imports, interfaceName, functionName)) return undefined;
    const given = provider?.(interfaceName, functionName, type);
    return given === undefined ? wasi(interfaceName, functionName, type) : { ...given, isGiven: true };
  };
}
