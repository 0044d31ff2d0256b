/**
 * Texts of others on a terminal: control characters could move the cursor, break the line or change the terminal, and those
 * that turn the direction of writing show a text as another one. They are shown as escapes.
 */
const unseen = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g; // oxlint-disable-line no-control-regex -- they are what is looked for

export function visible(text: string): string {
  return text.replaceAll(unseen, (character) => {
    const named = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
    if (named !== undefined) return named;
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : unicodeEscape(code);
  });
}

/** JSON text that is the same JSON, with nothing in it but what shows. */
export function visibleJson(json: string): string {
  return json.replaceAll(unseen, (character) => unicodeEscape(character.charCodeAt(0)));
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}
