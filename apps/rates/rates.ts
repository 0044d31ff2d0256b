/** Average prices of shipping between ports, and between regions of them. */
import { type App, http } from 'tributary';
import { averageRates, rateParameters } from './average-rates.ts';
import { batches } from './batches.ts';
import { dataset } from './dataset.ts';

export const app: App = {
  bulk: batches,
  routes: [http.get('/rates', (request, _read, sql) => averageRates(request, sql), { parameters: rateParameters })],
  dataset,
};
