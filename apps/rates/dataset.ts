/** The tables of rates. Prices have no key of their own: on a day, one price may be given by many. */
import type { Dataset } from 'tributary';
import { sampleRates } from './sample.ts';

export const dataset: Dataset = {
  tables: [
    {
      name: 'regions',
      columns: { slug: 'text NOT NULL', name: 'text NOT NULL', parent_slug: 'text' },
      constraints: {
        regions_pkey: 'PRIMARY KEY (slug)',
        regions_parent_slug_fkey: 'FOREIGN KEY (parent_slug) REFERENCES regions (slug)',
      },
      indexes: {},
    },
    {
      name: 'ports',
      columns: { code: 'text NOT NULL', name: 'text NOT NULL', parent_slug: 'text NOT NULL' },
      constraints: {
        ports_pkey: 'PRIMARY KEY (code)',
        ports_parent_slug_fkey: 'FOREIGN KEY (parent_slug) REFERENCES regions (slug)',
      },
      indexes: {},
    },
    {
      name: 'prices',
      columns: {
        orig_code: 'text NOT NULL',
        dest_code: 'text NOT NULL',
        day: 'date NOT NULL',
        price: 'integer NOT NULL',
      },
      constraints: {
        prices_orig_code_fkey: 'FOREIGN KEY (orig_code) REFERENCES ports (code)',
        prices_dest_code_fkey: 'FOREIGN KEY (dest_code) REFERENCES ports (code)',
      },
      // The days of a pair of ports lie together, with their prices: the table itself is not looked at.
      indexes: { prices_orig_code_dest_code_day: '(orig_code, dest_code, day) INCLUDE (price)' },
    },
  ],
  sample: sampleRates,
};
