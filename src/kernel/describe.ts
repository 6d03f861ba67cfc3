// Anything at all as a short text for a message. Never throws.

export function describe(value: unknown): string {
  if (value instanceof Error) return value.message;
  try {
    const text = String(value);
    return text === '[object Object]' ? `a ${(value as object).constructor?.name ?? 'resource'}` : text;
  } catch {
    return `a ${typeof value}`; // an object without a prototype, or a toString() that throws
  }
}
