/** The lines of the console. */
export const lines: string[] = [];

console.error = (line: unknown) => void lines.push(String(line));
