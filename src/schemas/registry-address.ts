/** The address of a schema registry, which may hold a user and a password: these are sent, and never shown. */
export interface RegistryAddress {
  /** Without user and password. */
  readonly shown: string;
  readonly origin: string;
  /** Before the paths of the REST interface; without a slash at its end. */
  readonly path: string;
  /** Of each request. Default: none. */
  readonly authorization: string | undefined;
}

/** Undefined where it is none: an http:// or https:// URL without query and fragment. */
export function readRegistryAddress(text: string): RegistryAddress | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') return undefined;
  const user = decoded(`${url.username}:${url.password}`);
  if (user === undefined) return undefined;
  const path = url.pathname.replace(/\/+$/, '');
  const authorization = user === ':' ? undefined : `Basic ${Buffer.from(user).toString('base64')}`;
  return { shown: `${url.origin}${path}`, origin: url.origin, path, authorization };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // a % that stands before no two digits: who reads the address says so
  }
}
