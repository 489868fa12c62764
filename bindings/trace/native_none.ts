/** Outside of workerd there is no native tracing. */
export const nativeTracing: unknown = undefined;
