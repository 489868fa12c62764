import { cleanAddress } from "../../base/address.ts";

/** Shorter texts are written even if they look like base64, because ids, hashes and tokens do too. */
const minBase64Length = 2048;
const probeLength = 256;
const base64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** Returns a description of binary data. Undefined for any other value. */
export function describeBinary(value: object): string | undefined {
  const bytes = binaryBytes(value);
  return bytes === undefined ? undefined : `(binary, ${bytes} bytes)`;
}

/** Returns a description of a long base64 text or a data URL. Undefined for any other text. */
export function describeBase64(text: string): string | undefined {
  if (text.startsWith("data:")) {
    const comma = text.indexOf(",");
    const head = text.slice(0, comma === -1 ? 0 : Math.min(comma, 100));
    return `(${head === "" ? "data" : head}, ${text.length} characters)`;
  }
  if (text.length < minBase64Length) return undefined;
  const isBase64 = base64.test(text.slice(0, probeLength)) && base64.test(text.slice(-probeLength));
  return isBase64 ? `(base64, ${Math.floor((text.length * 3) / 4)} bytes)` : undefined;
}

/** Returns type and size of media in a prompt or a response, in any form of the SDK. Never contains the data. */
export function describeMedia(
  data: unknown,
  mediaType: string | undefined,
): Readonly<Record<string, unknown>> {
  const modality = modalityOf(mediaType);
  const type = mediaType === undefined ? {} : { mime_type: mediaType };
  const url = urlOf(data);
  if (url !== undefined) return { type: "uri", modality, ...type, uri: url };
  return { type: "blob", modality, ...type, content: "", bytes: dataBytes(data) };
}

function modalityOf(mediaType: string | undefined): string {
  const kind = mediaType?.split("/", 1)[0];
  return kind === "image" || kind === "video" || kind === "audio" ? kind : "document";
}

function urlOf(data: unknown): string | undefined {
  const text = data instanceof URL ? data.href : data;
  if (typeof text !== "string" || !/^https?:\/\//i.test(text)) return undefined;
  return cleanAddress(text);
}

function dataBytes(data: unknown): number {
  if (typeof data === "string") {
    const comma = data.startsWith("data:") ? data.indexOf(",") + 1 : 0;
    return Math.floor(((data.length - comma) * 3) / 4);
  }
  return typeof data === "object" && data !== null ? (binaryBytes(data) ?? 0) : 0;
}

function binaryBytes(value: object): number | undefined {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  return typeof Blob !== "undefined" && value instanceof Blob ? value.size : undefined;
}
