/**
 * Text that is drawn again in place: one write a frame, each line overwritten and its rest cleared, so that nothing flickers. What does
 * not fit above the last line of the terminal is left out, since a terminal that scrolls has no "in place".
 */
const up = (lines: number): string => (lines > 0 ? `\r\u001B[${lines}A` : '\r');
const clearRestOfLine = '\u001B[K';
const clearBelow = '\u001B[J';
const clearAll = '\u001B[2J\u001B[H';

export class Screen {
  #drawnLines = 0;
  #isResized = false;

  /** Lines have wrapped otherwise than they were drawn. */
  resized(): void {
    this.#isResized = true;
  }

  /** @param terminalRows 0 where the terminal does not tell. @returns what to write so that the terminal shows `text` where it showed the last frame. */
  frame(text: string, terminalRows: number): string {
    const lines = text.split('\n').slice(0, terminalRows > 1 ? terminalRows - 1 : undefined);
    const start = this.#isResized ? clearAll : up(this.#drawnLines);
    this.#isResized = false;
    this.#drawnLines = lines.length;
    return `${start}${lines.map((line) => `${line}${clearRestOfLine}\n`).join('')}${clearBelow}`;
  }
}
