/** The escapes of a string as Python reads them, so that '\d' stays two characters. */
const simple: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** @param text between the quotes, as it stands in the file */
export function readEscapes(text: string): string {
  return text.replaceAll(
    /\\(?:([0-7]{1,3})|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([^]))/gi,
    (whole, octal?: string, byte?: string, short?: string, long?: string, other?: string) => {
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      const hex = byte ?? short ?? long;
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      return (other === undefined ? undefined : simple[other]) ?? whole;
    },
  );
}
