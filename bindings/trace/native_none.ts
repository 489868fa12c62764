/** Outside of workerd there is no native tracing. */
export const nativeTracing: unknown = undefined;

/** Nor is there anything that would keep an invocation alive. */
export const nativeWaitUntil: ((work: Promise<unknown>) => void) | undefined = undefined;
