/** A field of a protobuf message: a number of a varint or fixed field, the bytes of any other. */
export type WireField = readonly [field: number, value: bigint | Uint8Array];

/** The fields of a protobuf message in their order. Throws when it is malformed. */
export function wireFields(message: Uint8Array): WireField[] {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at);
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    const field = tag >> 3;
    switch (tag & 7) {
      case 0:
        fields.push([field, varint()]);
        break;
      case 1:
        fields.push([field, view.getBigUint64(at, true)]);
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        if (at + length > message.length) throw new RangeError("a field goes past the message");
        fields.push([field, message.subarray(at, at + length)]);
        at += length;
        break;
      }
      case 5:
        fields.push([field, BigInt(view.getUint32(at, true))]);
        at += 4;
        break;
      default:
        throw new TypeError(`wire type ${tag & 7}`);
    }
  }
  return fields;
}

/** The messages in a repeated field. */
export function messagesIn(message: Uint8Array, field: number): Uint8Array[] {
  return wireFields(message).flatMap(([number, value]) =>
    number === field && value instanceof Uint8Array ? [value] : [],
  );
}
