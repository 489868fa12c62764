/** A request that cannot be served; the message is one sentence for the caller. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
}
