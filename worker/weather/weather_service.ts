import { WorkerEntrypoint } from "cloudflare:workers";

/** Stands for an external weather API. The temperature of a city is derived from its name. */
export class WeatherService extends WorkerEntrypoint {
  override async fetch(request: Request): Promise<Response> {
    await scheduler.wait(8);
    const city = new URL(request.url).searchParams.get("city") ?? "";
    if (city.toLowerCase() === "nowhere") {
      return new Response("down for maintenance", { status: 503 });
    }
    return Response.json({ city, celsius: celsiusIn(city), sky: "clear" });
  }
}

function celsiusIn(city: string): number {
  let sum = 0;
  for (const character of city) {
    sum += character.codePointAt(0) ?? 0;
  }
  return (sum % 300) / 10;
}
