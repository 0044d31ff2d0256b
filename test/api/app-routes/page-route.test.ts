/** `http.page` routes: the file as it is, and headers under which nothing but its own scripts runs. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { http } from '../../../src/index.ts';
import { httpRequest } from '../../support/http-request.ts';
import { scratch } from '../../support/program.ts';
import { serveRoutes } from '../../support/routes-server.ts';

const style = '\n  b { color: red }\n';
const script = "console.log('<b>')\n";
const html = `<!doctype html>\n<title>é</title><style>${style}</style><b>\n<script type="module">${script}</script>\n`;

async function servePage(t: TestContext, text: string): Promise<{ url: string; file: string }> {
  const file = join(await scratch(t), 'page.html');
  await writeFile(file, text);
  const { url } = await serveRoutes(t, { routes: [http.page('/page', pathToFileURL(file))] });
  return { url: `${url}/page`, file };
}

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

suite('a page', () => {
  test('is sent as it was when the server started, with a policy for its own scripts and styles', async (t) => {
    const { url, file } = await servePage(t, html.replaceAll('\n', '\r\n'));
    await writeFile(file, 'changed');
    const { status, headers, text } = await httpRequest(url);
    assert.deepEqual([status, text], [200, html]);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    const policy = headers['content-security-policy'] as string;
    assert.ok(policy.includes(`script-src 'self' ${hash(script)};`), policy);
    assert.ok(policy.includes(`style-src 'self' ${hash(style)};`), policy);
    assert.ok(policy.startsWith("default-src 'self';") && !policy.includes('unsafe'), policy);
    assert.match(policy, /frame-ancestors 'none'/);
  });

  test('is 304 for who has it', async (t) => {
    const { url } = await servePage(t, html);
    const { headers } = await httpRequest(url);
    const etag = headers.etag as string;
    assert.equal(headers['cache-control'], 'no-cache');
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const got = await httpRequest(url, { headers: { 'if-none-match': known } });
      assert.deepEqual([got.status, got.text, got.headers.etag], [304, '', etag], known);
    }
    assert.equal((await httpRequest(url, { headers: { 'if-none-match': '"other"' } })).status, 200);
    const head = await httpRequest(url, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
    assert.equal(Number(head.headers['content-length']), Buffer.byteLength(html));
  });
});
