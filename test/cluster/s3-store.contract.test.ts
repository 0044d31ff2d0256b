import { openS3Store } from '../../src/stores/objects/s3-store.ts';
import { objectStoreContract } from '../contracts/object-store.ts';
import { ownBucket, sharedS3, useS3Credentials } from '../support/s3-server.ts';

useS3Credentials();

objectStoreContract('S3', async () => {
  const store = await openS3Store({ bucket: await ownBucket(), endpoint: sharedS3 });
  return { store, close: () => Promise.resolve() };
});
