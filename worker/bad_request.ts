/** Thrown for an invalid request. The message is one sentence for the client. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
}
