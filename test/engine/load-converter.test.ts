import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { inPackage } from '../../src/config/package-root.ts';
import { loadConverter } from '../../src/engine/load-converter.ts';
import { fault } from '../support/segment-logs.ts';

test('the package of Beam is loaded only for whoever asks for it; where it is not installed, that is told with what installs it', async () => {
  assert.equal(await loadConverter({ processor: 'plain' }), undefined);
  const asked = loadConverter({ processor: 'beam' });
  if (existsSync(inPackage('beam/node_modules'))) assert.equal(typeof (await asked), 'function');
  else await assert.rejects(asked, fault('CONFIG_INVALID', /npm ci --prefix beam/));
});
