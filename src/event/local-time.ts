/**
 * Times that name no zone, as a clock on a wall shows them: `YYYY-MM-DD HH:MM:SS`, in whole seconds, on a day that the calendar has, in
 * the years 0001 to 9999. Which moment one means only its producer knows, so it is kept as it is; they sort as text.
 */
import { isTime } from './time.ts';

declare const localTimeBrand: unique symbol;

/** `YYYY-MM-DD HH:MM:SS` */
export type LocalTime = string & { readonly [localTimeBrand]: true };

const shape = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

/** `undefined` where `text` is none. */
export function localTimeOf(text: string): LocalTime | undefined {
  return shape.test(text) && isTime(`${text.replace(' ', 'T')}Z`) ? (text as LocalTime) : undefined;
}
