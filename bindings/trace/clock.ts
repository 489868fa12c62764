/** Milliseconds since the Unix epoch. Stands still between I/O on Workers in production. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();
