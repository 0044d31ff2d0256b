/** `Link` headers (RFC 8288), as far as pages need them. */
import { Passing } from './retries.ts';

/** One link: its address, and its parameters up to the next comma that is in no quotes. */
const link = /<([^>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]+))?)*)/g;
const parameter = /;\s*([\w!#$&+.^`|~*-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+)))?/g;

/** The address of the next page, absolute. @throws Passing where it is none */
export function nextLink(header: string | readonly string[] | undefined, from: URL): string | undefined {
  const text = typeof header === 'string' ? header : (header?.join(', ') ?? '');
  for (const [, address = '', parameters = ''] of text.matchAll(link)) {
    const relations = relationOf(parameters).toLowerCase().split(/\s+/);
    if (!relations.includes('next')) continue;
    const url = URL.parse(address, from);
    if (url === null || !/^https?:$/.test(url.protocol)) throw new Passing('the link to the next page is no URL');
    return url.href;
  }
  return undefined;
}

/** The first one counts. */
function relationOf(parameters: string): string {
  const found = parameters.matchAll(parameter).find(([, name]) => name?.toLowerCase() === 'rel');
  return found?.[2] ?? found?.[3] ?? '';
}
