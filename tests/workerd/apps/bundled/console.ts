/** The lines that have been logged as errors in this isolate. */
export const lines: string[] = [];

console.error = (...args: unknown[]) => void lines.push(args.map(String).join(" "));
