/** What only this machine reaches, and which requests come from it on purpose. */
import type { IncomingHttpHeaders } from 'node:http';
import { isIPv4 } from 'node:net';

/** Names and addresses of the loopback interface; any other name may lead anywhere. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true;
  const address = name.replace(/^::ffff:/, '');
  return isIPv4(address) && address.startsWith('127.');
}

/**
 * Whether a request that needs no token may be what its sender means. A web page of somebody else's, in a browser on this
 * machine, can send requests here as well: it shows by its `Origin`, or, where its name was made to lead here (DNS
 * rebinding), by the `Host`.
 */
export function isFromHere({ host, origin }: IncomingHttpHeaders): boolean {
  return (host === undefined || hostIsHere(`http://${host}`)) && (origin === undefined || hostIsHere(origin));
}

function hostIsHere(url: string): boolean {
  return URL.canParse(url) && isLoopback(new URL(url).hostname);
}
