/** The bit of the trace flags that says that the trace is recorded. */
export const sampledFlag = 1;
