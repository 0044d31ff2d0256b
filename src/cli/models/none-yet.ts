/** What is said where models are read before any has been built. */
import { Fault } from '../../errors.ts';
import type { DatabasePlace } from '../../models/database/models-database.ts';

export function noneYet({ dir, name }: DatabasePlace): Fault {
  return new Fault(
    'MODELS_QUERY_FAILED',
    `the models of ${name} are not built in ${dir} yet: tributary models run builds them`,
  );
}
