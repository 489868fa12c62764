const partialSuccessField = 1;
const rejectedField = 1;

const varint = 0;
const fixed64 = 1;
const lengthDelimited = 2;
const fixed32 = 5;

/** JSON names of the count in the responses for the three signals. */
const jsonNames = ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"];

/**
 * Returns the number of items that a successful OTLP response reports as rejected. Returns 0 if the body cannot be
 * parsed.
 *
 * @param contentType Content type of the response. If it names neither JSON nor protobuf, the first byte of the body
 *   decides.
 */
export function rejectedCount(body: Uint8Array, contentType: string | null): number {
  if (body.length === 0) return 0;
  const type = contentType ?? "";
  const isJson = type.includes("json") || (!type.includes("protobuf") && body[0] === 0x7b);
  const count = isJson ? rejectedInJson(body) : rejectedInProtobuf(body);
  return Number.isFinite(count) ? Math.max(Math.trunc(count), 0) : 0;
}

function rejectedInJson(body: Uint8Array): number {
  try {
    const answer = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown> | null;
    const partial = answer?.["partialSuccess"] as Record<string, unknown> | null | undefined;
    for (const name of jsonNames) {
      // The JSON form of protobuf has 64-bit integers as texts.
      if (partial?.[name] !== undefined) return Number(partial[name]);
    }
  } catch {
    // The body is not JSON.
  }
  return 0;
}

function rejectedInProtobuf(body: Uint8Array): number {
  const partial = fieldsOf(body)?.get(partialSuccessField);
  if (!(partial instanceof Uint8Array)) return 0;
  const rejected = fieldsOf(partial)?.get(rejectedField);
  return typeof rejected === "number" ? rejected : 0;
}

/**
 * Returns the fields of a protobuf message by number, the last value of each. Undefined if the message is malformed.
 */
function fieldsOf(message: Uint8Array): Map<number, number | Uint8Array> | undefined {
  const fields = new Map<number, number | Uint8Array>();
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at];
      if (byte === undefined) return Number.NaN;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (at < message.length) {
    const tag = readVarint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case varint:
        fields.set(field, readVarint());
        break;
      case fixed64:
        at += 8;
        break;
      case fixed32:
        at += 4;
        break;
      case lengthDelimited: {
        const length = readVarint();
        fields.set(field, message.subarray(at, at + length));
        at += length;
        break;
      }
      default:
        return undefined;
    }
    if (!(at <= message.length)) return undefined;
  }
  return fields;
}
