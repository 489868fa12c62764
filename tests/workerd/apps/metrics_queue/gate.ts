import { Random } from "../../../wasm/support/random.ts";

interface Env {
  readonly QUEUES: Fetcher;
  readonly SEED: string;
}

const counts = { calls: 0, refused: 0, unanswered: 0 };
let random: Random | undefined;
let isFaulty = true;

/**
 * Stands where the queue's own service is. One call in twenty fails: the queue never gets it, or gets it and the answer is
 * lost.
 */
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/counts") return Response.json(counts);
    if (pathname === "/mend") {
      isFaulty = false;
      return Response.json(counts);
    }
    random ??= new Random(Number(env.SEED));
    counts.calls += 1;
    const fails = isFaulty && random.once(20);
    if (fails && random.once(2)) {
      counts.refused += 1;
      // A send whose body nobody reads never settles.
      await request.arrayBuffer();
      return Response.json("refused", { status: 503 });
    }
    const answer = await env.QUEUES.fetch(request);
    if (!fails) return answer;
    counts.unanswered += 1;
    throw new Error("the connection broke");
  },
} satisfies ExportedHandler<Env>;
