const encoder = new TextEncoder();

/**
 * Whether an Authorization header is the scheme and the token. The token is compared by its digest, in constant time.
 */
export async function isAuthorized(
  authorization: string | null,
  scheme: string,
  token: string,
): Promise<boolean> {
  const [, givenScheme = "", givenToken = ""] = /^(\S+) +(\S.*)$/.exec(authorization ?? "") ?? [];
  const [expected, given] = await Promise.all([digest(token), digest(givenToken.trimEnd())]);
  const isSame = isEqual(expected, given);
  return isSame && givenScheme.toLowerCase() === scheme.toLowerCase();
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", encoder.encode(text));
}

function isEqual(a: ArrayBuffer, b: ArrayBuffer): boolean {
  // Only the Workers runtime has it.
  if (typeof crypto.subtle.timingSafeEqual === "function")
    return crypto.subtle.timingSafeEqual(a, b);
  const [left, right] = [new Uint8Array(a), new Uint8Array(b)];
  let difference = left.length ^ right.length;
  left.forEach((byte, index) => {
    difference |= byte ^ (right[index] ?? 0);
  });
  return difference === 0;
}
