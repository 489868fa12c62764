import { exports } from "cloudflare:workers";
import { tool } from "ai";
import { tracer } from "isotel";
import { z } from "zod";

export class WeatherUnavailable extends Error {
  override readonly name = "WeatherUnavailable";
}

const weatherSchema = z.object({ city: z.string(), celsius: z.number(), sky: z.string() });

export type Weather = z.infer<typeof weatherSchema>;

async function lookUp(city: string, signal: AbortSignal | undefined): Promise<Weather> {
  const url = `https://weather.example/current?city=${encodeURIComponent(city)}`;
  const response = await exports.WeatherService.fetch(url, signal === undefined ? {} : { signal });
  if (!response.ok) {
    // Without this the service's invocation stays open, because nothing reads the body.
    await response.body?.cancel();
    throw new WeatherUnavailable(`The weather service answered with status ${response.status}.`);
  }
  return weatherSchema.parse(await response.json());
}

async function toFahrenheit(celsius: number): Promise<number> {
  await scheduler.wait(2);
  return Math.round((celsius * 9) / 5 + 32);
}

/** Returns the agent's tools. With `isDown`, the weather service answers with an error. */
export function createTools({ isDown }: { isDown: boolean }) {
  return {
    lookup_weather: tool({
      description: "The current weather in a city, in degrees Celsius.",
      inputSchema: z.object({ city: z.string() }),
      execute: ({ city }, { abortSignal }) => lookUp(isDown ? "nowhere" : city, abortSignal),
    }),
    convert_temperature: tool({
      description: "Converts degrees Celsius to degrees Fahrenheit.",
      inputSchema: z.object({ celsius: z.number() }),
      execute: ({ celsius }) =>
        tracer.withSpan("to_fahrenheit", { "app.celsius": celsius }, async () => ({
          fahrenheit: await toFahrenheit(celsius),
        })),
    }),
  };
}
