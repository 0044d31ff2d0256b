/** What `POST /rates/batches` takes: prices between ports that there are. */
import { bulk, day, positiveInteger, text } from 'tributary';

export const batches = bulk({
  name: 'rates',
  path: '/rates/batches',
  table: 'prices',
  columns: { orig_code: text(), dest_code: text(), day: day(), price: positiveInteger() },
  references: [
    { columns: ['orig_code'], to: { table: 'ports', columns: ['code'] } },
    { columns: ['dest_code'], to: { table: 'ports', columns: ['code'] } },
  ],
  onConflict: 'insert',
});
