import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { bearerToken, presentedSecret } from '../../src/access/credential.ts';

const visibleText = fc.stringMatching(/^[!-~]{1,100}$/);

suite('what a request presents', () => {
  test('is its bearer token, however the scheme is written', () => {
    const scheme = fc.mixedCase(fc.constant('bearer'));
    fc.assert(
      fc.property(scheme, fc.stringMatching(/^ {1,3}$/), visibleText, (name, space, token) => {
        assert.equal(bearerToken(`${name}${space}${token}`), token);
        assert.equal(bearerToken(`${name}${space}${token}  `), token);
      }),
    );
  });

  test('is nothing where the header is of another form', () => {
    for (const header of [
      '',
      'Bearer',
      'Bearer ',
      'Bearer a b',
      'Basic YTpi',
      'Bearera',
      ' Bearer a',
      'Bearer a\tb',
      'Bearer ü',
    ])
      assert.equal(bearerToken(header), undefined, header);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const token = bearerToken(text);
        assert.ok(token === undefined || (/^[!-~]+$/.test(token) && text.includes(token)));
      }),
    );
  });

  test('may be an API key; the bearer token counts where both are there, and other schemes are left alone', () => {
    assert.equal(presentedSecret({ 'x-api-key': 'k' }), 'k');
    assert.equal(presentedSecret({ 'x-api-key': 'k', authorization: 'Basic YTpi' }), 'k');
    assert.equal(presentedSecret({ 'x-api-key': 'k', authorization: 'bearer t' }), 't');
    assert.equal(presentedSecret({ 'x-api-key': '' }), undefined);
    assert.equal(presentedSecret({}), undefined);
  });
});
