import { type Measured, measure, type Scenario } from "./measure.ts";
import { type Operation, operations, perMillion, usdOf, usdPerMillionRequests } from "./prices.ts";

export const rates = [1, 10, 100, 1000] as const;
/** At this rate the goal is set and the operations are listed. */
const listedRate = 100;
const manyIsolates = 20;
const manySeries = 1000;
const transports = ["queue", "aggregator"] as const;

/** One measurement. */
export interface Cost {
  readonly scenario: Scenario;
  readonly measured: Measured;
  readonly usd: number;
}

/** Measures every scenario of the tables; `tell` is told of each. */
export async function measureAll(tell: (cost: Cost) => void): Promise<Cost[]> {
  const costs: Cost[] = [];
  for (const scenario of scenarios()) {
    const measured = await measure(scenario);
    const cost = { scenario, measured, usd: usdPerMillionRequests(measured) };
    tell(cost);
    costs.push(cost);
  }
  return costs;
}

function* scenarios(): Generator<Scenario> {
  for (const transport of transports) {
    for (const rate of rates) {
      yield { transport, rate, isolates: 1, seconds: 300 };
      yield { transport, rate, isolates: manyIsolates, seconds: 120 };
    }
    yield { transport, rate: listedRate, isolates: 1, series: manySeries, seconds: 300 };
  }
}

/** The tables as Markdown. */
export function tablesOf(costs: readonly Cost[]): string {
  const costOf = (wanted: Omit<Scenario, "seconds">): Cost => {
    const found = costs.find(
      ({ scenario }) =>
        scenario.transport === wanted.transport &&
        scenario.isolates === wanted.isolates &&
        scenario.rate === wanted.rate &&
        scenario.series === wanted.series,
    );
    if (found === undefined) throw new Error("It was not measured.");
    return found;
  };
  const priceRow = (title: string, wanted: Omit<Scenario, "seconds" | "transport">) => [
    title,
    ...transports.map((transport) => dollars(costOf({ ...wanted, transport }).usd)),
  ];
  const prices = [
    ...rates.map((rate) => priceRow(`${rate} a second, one isolate`, { rate, isolates: 1 })),
    ...rates.map((rate) =>
      priceRow(`${rate} a second in each of ${manyIsolates} isolates`, {
        rate,
        isolates: manyIsolates,
      }),
    ),
    priceRow(`${listedRate} a second, one isolate, ${manySeries} more series that all change`, {
      rate: listedRate,
      isolates: 1,
      series: manySeries,
    }),
  ];
  const both = transports.map((transport) => costOf({ transport, isolates: 1, rate: listedRate }));
  const listed = [...operations.map((operation) => operationRow(operation, both)), totalRow(both)];
  return [
    ...table(["USD for a million requests", "through a queue", "direct"], prices),
    "",
    ...table(
      [
        `For a million requests, ${listedRate} a second in one isolate`,
        "USD a million",
        "through a queue",
        "USD",
        "direct",
        "USD",
      ],
      listed,
    ),
  ].join("\n");
}

function operationRow(operation: Operation, costs: readonly Cost[]): string[] {
  return [
    operation.what,
    String(operation.usdPerMillion),
    ...costs.flatMap(({ measured }) => [
      String(Math.round(perMillion(operation, measured))),
      dollars(usdOf(operation, measured)),
    ]),
  ];
}

function totalRow(costs: readonly Cost[]): string[] {
  return ["total", "", ...costs.flatMap(({ usd }) => ["", dollars(usd)])];
}

function dollars(usd: number): string {
  return usd >= 0.1 ? usd.toFixed(2) : usd.toFixed(5);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = header.map((_, column) => (column === 0 ? "---" : "---:"));
  return [line(header), line(rule), ...rows.map(line)];
}
