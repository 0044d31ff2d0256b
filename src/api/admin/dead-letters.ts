/**
 * The admin API of dead letters:
 *
 *   GET  /admin/dead-letters            the first that a filter means (`?pipeline=&at=&reason=&since=&until=&text=&replayed=&limit=`)
 *   GET  /admin/dead-letters/counts     those that it means, counted by reason
 *   GET  /admin/dead-letters/<id>       one of them
 *   PUT  /admin/dead-letters/<id>       its event as edited: { event, edits: how many edits it had }
 *   POST /admin/dead-letters/patch      { filter, patch, dryRun }: an outcome a line
 *   POST /admin/dead-letters/replay     { filter, dryRun }: an outcome a line
 *
 * What changes anything has to be `application/json`, which no page of another origin may send unasked.
 */
import type { FastifyInstance } from 'fastify';
import { editLetter, patchLetters, unknownLetter } from '../../dead-letters/edit.ts';
import { countLetters } from '../../dead-letters/letter-counts.ts';
import { letterJson } from '../../dead-letters/letter-json.ts';
import type { LetterFilter } from '../../dead-letters/letter-filter.ts';
import type { Letter } from '../../dead-letters/letters.ts';
import { parsePatch } from '../../dead-letters/patch.ts';
import { type ReplayOptions, replayLetters } from '../../dead-letters/replay.ts';
import { check, checkJson, editRequest, listQuery, patchRequest, replayRequest, toFilter } from './filter.ts';
import { sendOutcomes, type StreamOptions } from './ndjson.ts';

export interface DeadLettersApiOptions {
  readonly replay: ReplayOptions;
  readonly logger: StreamOptions['logger'];
}

/** An event of the largest package that is taken by default, as a JSON string. */
const maxBodyBytes = 64 * 1024 * 1024;
const defaultLimit = 50;

export function mountDeadLetters(app: FastifyInstance, { replay, logger }: DeadLettersApiOptions): void {
  const stopping = new AbortController();
  const stream = { logger, stopping: stopping.signal };
  app.addHook('preClose', (done) => {
    stopping.abort();
    done();
  });
  void app.register(
    async (admin) => {
      admin.removeAllContentTypeParsers();
      const asBuffer = { parseAs: 'buffer', bodyLimit: maxBodyBytes } as const;
      admin.addContentTypeParser('application/json', asBuffer, (_request, body, done) => done(null, body));
      addReading(admin, replay);
      addChanging(admin, replay, stream);
    },
    { prefix: '/admin/dead-letters' },
  );
}

function addReading(admin: FastifyInstance, { letters, repairs }: ReplayOptions): void {
  const find = async (filter: LetterFilter): Promise<AsyncIterable<Letter>> => {
    await repairs.refresh();
    return letters.find(filter);
  };
  admin.get('/', async (request, _reply) => {
    const { limit = defaultLimit, ...filter } = check(listQuery, request.query);
    const found: object[] = [];
    for await (const letter of await find(toFilter(filter))) {
      if (found.length === limit) return { letters: found, more: true };
      found.push(letterJson(letter));
    }
    return { letters: found, more: false };
  });
  admin.get('/counts', async (request, _reply) => {
    const { limit: _limit, ...filter } = check(listQuery, request.query);
    return countLetters(await find(toFilter(filter)));
  });
  admin.get<{ Params: { id: string } }>('/:id', async ({ params: { id } }) => {
    for await (const letter of await find({ ids: [id.toLowerCase()] })) return letterJson(letter);
    throw unknownLetter(id);
  });
}

function addChanging(admin: FastifyInstance, replay: ReplayOptions, stream: Omit<StreamOptions, 'done'>): void {
  admin.put<{ Params: { id: string } }>('/:id', async ({ params: { id }, body }) => {
    const { event, edits } = checkJson(editRequest, body);
    await editLetter(replay, id.toLowerCase(), Buffer.from(event), edits);
    return { correlationId: id.toLowerCase(), result: 'changed' };
  });
  admin.post('/patch', async (request, reply) => {
    const { filter, patch, dryRun } = checkJson(patchRequest, request.body);
    const outcomes = patchLetters(replay, toFilter(filter), parsePatch(patch), { dryRun });
    return sendOutcomes(reply, outcomes, { ...stream, done: dryRun ? undefined : 'dead letters patched' });
  });
  admin.post('/replay', async (request, reply) => {
    const { filter, dryRun } = checkJson(replayRequest, request.body);
    const outcomes = replayLetters(replay, toFilter(filter), { dryRun });
    return sendOutcomes(reply, outcomes, { ...stream, done: dryRun ? undefined : 'dead letters replayed' });
  });
}
