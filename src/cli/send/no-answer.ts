/** What to look at where nothing has answered yet. It is tried again all the same: a server may be on its way up. */
import { announcedServer } from '../../api/running-server.ts';
import type { Config } from '../../config/config.ts';
import { dataPaths } from '../../engine/data-paths.ts';

export async function noAnswerHint({ dataDir }: Config, url: URL, giveUpAfterMs: number): Promise<string> {
  const announced = (await announcedServer(dataPaths(dataDir).server))?.url;
  const isElsewhere = announced !== undefined && new URL(announced).port !== url.port;
  const where = isElsewhere ? `; the server of ${dataDir} said that it is at ${announced}` : '';
  return `Start it (tributary start), or name where it runs (--to URL)${where}. It is tried again for ${giveUpAfterMs / 1000} s.`;
}
