/**
 * `GET <path>` of a page: an HTML file, read once. A Content-Security-Policy lets it run its own scripts and styles, known by their
 * hashes, and ask this server, and nothing else: text that came in as an event is never run, even where a page forgets to escape it.
 * So a page keeps scripts and styles in `<script>` and `<style>`, not in attributes.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { Fault, reasonOf } from '../../errors.ts';
import type { PageRoute } from '../../pipeline/routes.ts';

/** @throws Fault PIPELINE_INVALID where the file cannot be read */
export async function mountPage(server: FastifyInstance, { path, file }: PageRoute): Promise<void> {
  const html = await readPage(path, file);
  const etag = `"${hashOf(html)}"`;
  const headers = { 'cache-control': 'no-cache', etag, ...policyOf(html) };
  server.get(path, { config: { access: 'everybody' } }, async (request, reply) => {
    reply.headers(headers);
    if (isKnown(request.headers['if-none-match'], etag)) return reply.code(304).send();
    return reply.header('content-type', 'text/html; charset=utf-8').send(html);
  });
}

async function readPage(path: string, file: URL): Promise<string> {
  try {
    const text = await readFile(fileURLToPath(file), 'utf8');
    return text.replaceAll(/\r\n?/g, '\n'); // as browsers read it before they hash a script
  } catch (error) {
    throw new Fault('PIPELINE_INVALID', `the page ${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

function policyOf(html: string) {
  const policy = [
    "default-src 'self'",
    `script-src 'self'${hashesOf(html, 'script')}`,
    `style-src 'self'${hashesOf(html, 'style')}`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  } as const;
}

/** Of the inline ones. */
function hashesOf(html: string, element: 'script' | 'style'): string {
  const inline = html.matchAll(new RegExp(`<${element}\\b[^>]*>([^]*?)</${element}\\s*>`, 'gi'));
  return [...inline].map(([, text = '']) => ` 'sha256-${hashOf(text)}'`).join('');
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** As RFC 9110 compares for `If-None-Match`. */
function isKnown(header: string | undefined, etag: string): boolean {
  return header?.split(',').some((one) => ['*', etag].includes(one.trim().replace(/^W\//, ''))) ?? false;
}
