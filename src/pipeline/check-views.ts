/** The views of a pipeline definition: see `define-pipeline.ts`. */
import type { Checker } from './checker.ts';

const kinds = ['count', 'first', 'last', 'pairs'];

export function checkViews(views: Checker): void {
  const firstOfName = new Map<unknown, Checker>();
  for (const view of views.elements()) {
    view.members(['name', 'counts', 'measures']);
    const name = view.at('name');
    name.pattern(/^[a-z][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens, a letter first, at most 63');
    const first = firstOfName.get(name.value);
    if (first) name.fail(`another name than ${first.path}, which its entries are kept under`);
    firstOfName.set(name.value, name);
    view.at('counts').function();
    const measures = view.at('measures');
    for (const measure of measures.names(1)) checkMeasure(measures.at(measure));
  }
}

function checkMeasure(measure: Checker): void {
  measure.at('kind').oneOf(kinds);
  if (measure.at('kind').value !== 'pairs') return measure.members(['kind'], ['value']);
  measure.members(['kind', 'by', 'with', 'keptForDays'], ['value']);
  measure.at('by').function();
  measure.at('with').function();
  measure.at('keptForDays').integer(1, 36_500);
}
