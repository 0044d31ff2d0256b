/** How admin tokens are written: visible ASCII, long enough that none is guessed over a network; several with commas between. */
const form = /^[!-+\--~]{16,512}$/;

/** What is told to whoever wrote another one. */
export const adminTokenForm = '16 to 512 visible ASCII characters without commas (openssl rand -hex 32 makes one)';

export function isAdminToken(text: string): boolean {
  return form.test(text);
}

export function splitAdminTokens(text: string): readonly string[] {
  return text.split(',').map((token) => token.trim());
}
