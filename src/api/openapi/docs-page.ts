/**
 * The OpenAPI document as a page: no script, nothing from elsewhere, and a Content-Security-Policy that allows neither. What
 * the document says is text here, never markup.
 */
import { createHash } from 'node:crypto';
import { escapeHtml } from './escape-html.ts';
import type { DescribedOperation, OpenApiDocument } from './document.ts';
import type { Json } from './operation.ts';

const style = `
:root { color-scheme: light dark; --line: light-dark(#d5d9e0, #3a3f4a); --quiet: light-dark(#59616e, #a3abb8); }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
details { border-bottom: 1px solid var(--line); }
summary { padding: .6rem 0; cursor: pointer; }
summary code { font-weight: 600; }
.quiet, dd { color: var(--quiet); }
dl { margin: 0; } dt { margin-top: .5rem; } dd { margin-left: 1rem; white-space: pre-line; }
pre { overflow-x: auto; padding: .7rem; border: 1px solid var(--line); border-radius: .3rem; font-size: .85rem; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
h3 { margin: 1rem 0 0; font-size: 1rem; }
`;

const styleHash = createHash('sha256').update(style).digest('base64');

export const docsHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

export function docsPage({ info, tags, paths, components }: OpenApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    const shown = own.map(({ path, method, operation }) => operationHtml(path, method, operation)).join('\n');
    return `<h2>${escapeHtml(name)}</h2>\n<p class="quiet">${escapeHtml(description)}</p>\n${shown}`;
  });
  const { schemas = {} } = components as { readonly schemas?: Json };
  const named = Object.entries(schemas).map(
    ([name, schema]) =>
      `<details id="${escapeHtml(name)}"><summary><code>${escapeHtml(name)}</code></summary>${pre(schema)}</details>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(info.title)} ${escapeHtml(info.version)}: HTTP</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeHtml(info.title)} ${escapeHtml(info.version)}</h1>
<p>${escapeHtml(info.description)} For programs: <a href="openapi.json">openapi.json</a>.</p>
${sections.join('\n')}
<h2>schemas</h2>
${named.join('\n')}
</body>
</html>
`;
}

function operationHtml(path: string, method: string, operation: DescribedOperation): string {
  const { summary, description, parameters = [], requestBody, responses } = operation;
  const parts = [
    description === undefined ? '' : `<p>${escapeHtml(description)}</p>`,
    `<p class="quiet">${escapeHtml(accessOf(operation))}</p>`,
    parameters.length === 0 ? '' : `<h3>Parameters</h3>${definitions(parameters.map(parameterOf))}`,
    requestBody === undefined ? '' : `<h3>Body</h3>${contentHtml(requestBody['content'] as Json)}`,
    '<h3>Answers</h3>',
    definitions(Object.entries(responses).map(([status, answer]) => [status, answer.description])),
    ...Object.entries(responses)
      .filter(([status]) => status === '200')
      .map(([, answer]) => contentHtml(answer.content ?? {})),
  ];
  const title = `<code>${escapeHtml(method.toUpperCase())} ${escapeHtml(path)}</code> ${escapeHtml(summary)}`;
  return `<details><summary>${title}</summary>${parts.join('\n')}</details>`;
}

function accessOf({ security }: DescribedOperation): string {
  const names = security.flatMap((one) => Object.keys(one));
  if (names.length === 0) return 'For everybody.';
  const open = security.some((one) => Object.keys(one).length === 0);
  const needs = names.includes('adminToken') ? 'Takes the admin token' : 'Takes an access key';
  return `${needs}${open ? ', once one is set up' : ''}.`;
}

function parameterOf(parameter: Json): readonly [string, string] {
  const { name, in: place, description, schema } = parameter;
  return [`${String(name)} (${String(place)})`, `${String(description)} ${JSON.stringify(schema)}`];
}

function definitions(entries: readonly (readonly [string, string])[]): string {
  const shown = entries.map(
    ([term, meaning]) => `<dt><code>${escapeHtml(term)}</code></dt><dd>${escapeHtml(meaning)}</dd>`,
  );
  return `<dl>${shown.join('')}</dl>`;
}

function contentHtml(content: Json): string {
  return Object.entries(content)
    .map(([type, media]) => `<p class="quiet">${escapeHtml(type)}</p>${pre((media as Json)['schema'])}`)
    .join('');
}

function pre(value: unknown): string {
  return `<pre>${escapeHtml(JSON.stringify(value, undefined, 2))}</pre>`;
}
