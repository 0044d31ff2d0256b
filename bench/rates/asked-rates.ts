/** What is asked: each month of each pair of regions of the sample's second level, in no order; and the statement that the app makes of it. */
import type { App } from '../../src/pipeline/app.ts';
import { daysAMonth, firstDay, months } from './price-file.ts';

export interface Asked {
  readonly date_from: string;
  readonly date_to: string;
  readonly orig_code: string;
  readonly dest_code: string;
}

export interface Question {
  /** With `$1` and so on. */
  readonly statement: string;
  /** Which of what is asked stands for `$1` and so on. */
  readonly parameters: readonly (keyof Asked)[];
  readonly asked: readonly Asked[];
}

/** Below the two roots; with the sample's seed they have 4 to 30 of its 150 ports each. */
const firstRegion = 2;
const regions = 8;
const dayMs = 86_400_000;
/** Prime to the number of questions, and far from each other: neighbours share no pages. */
const stride = 331;

export async function questionOf(app: App): Promise<Question> {
  const asked = questions();
  const first = asked[0] as Asked;
  const route = app.routes?.find((one) => one.kind === 'json');
  if (!route) throw new Error('the system has no route');
  let found: Pick<Question, 'statement' | 'parameters'> | undefined;
  const keys = Object.keys(first) as (keyof Asked)[];
  await route.answer({ path: {}, query: { ...first } }, noView, async (statement, ...values) => {
    found = {
      statement: statement.reduce((before, part, i) => `${before}$${i}${part}`),
      parameters: values.map((value) => keys.find((key) => first[key] === value) as keyof Asked),
    };
    return [];
  });
  if (!found) throw new Error(`${route.path} asks nothing of the warehouse`);
  return { ...found, asked };
}

function noView(): never {
  throw new Error('no view is read');
}

function questions(): readonly Asked[] {
  const inOrder: Asked[] = [];
  for (let month = 0; month < months; month++)
    for (let orig = 0; orig < regions; orig++)
      for (let dest = 0; dest < regions; dest++)
        inOrder.push({
          date_from: dayAt(month * daysAMonth),
          date_to: dayAt((month + 1) * daysAMonth - 1),
          orig_code: `region_${firstRegion + orig}`,
          dest_code: `region_${firstRegion + dest}`,
        });
  // A pair of two regions first: by its values the parameters of the statement are told apart.
  return inOrder.map((_, i) => inOrder[(1 + i * stride) % inOrder.length] as Asked);
}

function dayAt(day: number): string {
  return new Date(Date.parse(firstDay) + day * dayMs).toISOString().slice(0, 10);
}
