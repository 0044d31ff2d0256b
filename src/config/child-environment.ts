/** What child processes get of our environment: not the secrets of the object store, which the AWS SDK reads from it at its first request. */
export function childEnvironment(): NodeJS.ProcessEnv {
  const { AWS_SECRET_ACCESS_KEY: _key, AWS_SESSION_TOKEN: _session, ...rest } = process.env;
  return rest;
}
