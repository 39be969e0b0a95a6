/**
 * What an instance exports that is bound async: each function answers a promise, and so does `new` of a class of a resource's.
 * Objects of such classes are what functions take, too.
 */
export type Async<Exports> = {
  readonly [Name in keyof Exports]: Exports[Name] extends AnyClass
    ? AsyncClass<Exports[Name]>
    : Exports[Name] extends AnyFunction
      ? AsyncFunction<Exports[Name]>
      : Exports[Name] extends object
        ? Async<Exports[Name]>
        : Exports[Name];
};

type AnyFunction = (...args: never[]) => unknown;
type AnyClass = abstract new (...args: never[]) => unknown;

type AsyncFunction<Function_ extends AnyFunction> = (
  ...args: AsyncValues<Parameters<Function_>>
) => Promise<AsyncValue<Awaited<ReturnType<Function_>>>>;

type AsyncClass<Class extends AnyClass> = (Class extends new (...args: infer Args) => infer Made
  ? { new (...args: AsyncValues<Args>): Promise<AsyncResource<Made>> }
  : object) & {
  readonly [Name in Exclude<keyof Class, "prototype">]: Class[Name] extends AnyFunction
    ? AsyncFunction<Class[Name]>
    : Class[Name];
};

type AsyncValues<Values extends readonly unknown[]> = { [At in keyof Values]: AsyncValue<Values[At]> };

type AsyncValue<Value> = Value extends Disposable
  ? AsyncResource<Value>
  : Value extends readonly (infer Element extends Disposable)[]
    ? AsyncResource<Element>[]
    : Value;

type AsyncResource<Resource> = {
  readonly [Name in keyof Resource]: Name extends typeof Symbol.dispose
    ? Resource[Name]
    : Resource[Name] extends AnyFunction
      ? AsyncFunction<Resource[Name]>
      : Resource[Name];
} & AsyncDisposable;
