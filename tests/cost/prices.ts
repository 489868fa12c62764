import type { Measured } from "./measure.ts";

/** Something Cloudflare asks money for. */
export interface Operation {
  readonly what: string;
  /** Public list price in USD for a million, free allowances left out. */
  readonly usdPerMillion: number;
  readonly count: (measured: Measured) => number;
}

/** A message is written, read and deleted. */
const operationsOfMessage = 3;

/** An object is charged for 128 MB while it works. */
const gigabytes = 0.128;
// Assumptions. A call takes a few milliseconds; see docs/performance.md. An alarm waits for KV.
const secondsOfCall = 0.01;
const secondsOfKvWrite = 0.5;

export const operations: readonly Operation[] = [
  {
    what: "queue operations",
    usdPerMillion: 0.4,
    count: ({ messageUnits }) => operationsOfMessage * messageUnits,
  },
  {
    what: "invocations of the consumer",
    usdPerMillion: 0.3,
    count: ({ consumerInvocations }) => consumerInvocations,
  },
  {
    what: "calls of the Durable Object",
    usdPerMillion: 0.15,
    count: ({ aggregatorCalls }) => aggregatorCalls,
  },
  { what: "its alarms", usdPerMillion: 0.15, count: ({ alarmRuns }) => alarmRuns },
  {
    what: "its duration in GB-s",
    usdPerMillion: 12.5,
    count: ({ aggregatorCalls, alarmRuns, kvWrites }) =>
      gigabytes * (secondsOfCall * (aggregatorCalls + alarmRuns) + secondsOfKvWrite * kvWrites),
  },
  {
    what: "rows written, alarms set",
    usdPerMillion: 1,
    count: ({ rowsWritten }) => rowsWritten,
  },
  { what: "rows read", usdPerMillion: 0.001, count: ({ rowsRead }) => rowsRead },
  { what: "KV writes", usdPerMillion: 5, count: ({ kvWrites }) => kvWrites },
  { what: "KV reads of scrapes", usdPerMillion: 0.5, count: ({ kvReads }) => kvReads },
  { what: "requests of scrapes", usdPerMillion: 0.3, count: ({ scrapes }) => scrapes },
];

/** How often an operation happens for a million requests. */
export function perMillion(operation: Operation, measured: Measured): number {
  return (1e6 * operation.count(measured)) / measured.requests;
}

/** What an operation adds to the price of a million requests. */
export function usdOf(operation: Operation, measured: Measured): number {
  return (perMillion(operation, measured) * operation.usdPerMillion) / 1e6;
}

/** What a million requests cost. */
export function usdPerMillionRequests(measured: Measured): number {
  return operations.reduce((sum, operation) => sum + usdOf(operation, measured), 0);
}
