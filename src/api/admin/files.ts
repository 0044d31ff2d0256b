/** `POST /admin/files/looks`: has the directories of all pipelines that take files here listed now (sources/files/file-looks.ts). */
import type { FastifyInstance } from 'fastify';

export interface AskedLook {
  readonly pipeline: string;
  /** Its number. */
  readonly look: number;
}

export function mountFileLooks(app: FastifyInstance, ask: () => Promise<readonly AskedLook[]>): void {
  app.post('/admin/files/looks', async () => ({ looks: await ask() }));
}
