// biome-ignore-all lint/suspicious/noTsIgnore: there is no error in this repository, which has Workers types
// biome-ignore-all lint/suspicious/noExplicitAny: a namespace of any class is accepted

// Types of the Workers runtime that the published declarations mention. In a project without Workers types, such as one
// for Node, each of them is `any`: @ts-ignore suppresses the error at the type that does not exist. In a doc comment it
// also reaches the declaration files. Modules that a declaration of an entry does not reach use the global types.

/**
 * The namespace of TelemetryAggregator or of a subclass.
 *
 * @ts-ignore */
export type AggregatorNamespace = globalThis.DurableObjectNamespace<any>;
/** @ts-ignore */
export type CloudflareEnv = globalThis.Cloudflare.Env;
/** @ts-ignore */
export type DurableObjectClass = typeof import("cloudflare:workers").DurableObject;
/** @ts-ignore */
export type DurableObjectState = globalThis.DurableObjectState;
/** @ts-ignore */
export type DurableObjectStorage = globalThis.DurableObjectStorage;
/** @ts-ignore */
export type ExecutionContext = globalThis.ExecutionContext;
/** @ts-ignore */
export type KVNamespace = globalThis.KVNamespace;
/** @ts-ignore */
export type MessageBatch = globalThis.MessageBatch;
/** @ts-ignore */
export type Queue = globalThis.Queue;
/** @ts-ignore */
export type TailEventHandler = globalThis.TailStream.TailEventHandler;
/** @ts-ignore */
export type TailOnset = globalThis.TailStream.TailEvent<TailStream.Onset>;
/** @ts-ignore */
export type WasmMemory = WebAssembly.Memory;
/** @ts-ignore */
export type WasmModule = WebAssembly.Module;
