import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { generateTypes } from '../../src/schemas/typescript.ts';
import { cleanEnvironment } from '../support/program.ts';

const types = (fields: readonly object[]): string =>
  generateTypes({
    subject: 'orders.v2-value',
    schema: JSON.stringify({ type: 'record', name: 'Order', doc: 'One */ order.', fields }),
  });

describe('generated types', () => {
  it('are up to date', () => {
    const script = join(import.meta.dirname, '../../scripts/schema-types.ts');
    execFileSync(process.execPath, [script, '--check'], { env: cleanEnvironment() });
  });

  it('name the event by its subject, keep what is documented, and know every kind of type', () => {
    const line = {
      type: 'record',
      name: 'order_line',
      namespace: 'shop',
      fields: [{ name: 'parent', type: ['null', 'shop.order_line'] }],
    };
    const text = types([
      { name: 'id', type: 'long', doc: 'Its number.' },
      { name: 'lines', type: { type: 'array', items: line } },
      { name: 'tags', type: ['null', { type: 'map', values: ['string', 'boolean'] }], default: null },
      { name: 'state', type: { type: 'enum', name: 'State', symbols: ['OPEN', 'PAID'] } },
      { name: 'before', type: ['State', 'null'] },
      { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 8 } },
    ]);
    assert.equal(
      text,
      `/** One * / order. */
export interface OrdersV2Value {
  /** Its number. */
  readonly id: number;
  readonly lines: readonly (OrderLine)[];
  readonly tags?: Readonly<Record<string, string | boolean>> | null;
  readonly state: 'OPEN' | 'PAID';
  readonly before: 'OPEN' | 'PAID' | null;
  readonly hash: Uint8Array;
}

export interface OrderLine {
  readonly parent: OrderLine | null;
}
`,
    );
  });

  it('refuse what they cannot say', () => {
    assert.throws(() => types([{ name: 'a', type: 'Missing' }]), /Missing/);
    assert.throws(() => types([{ name: 'a', type: ['int', 'long'] }]), /union/);
    assert.throws(() => generateTypes({ subject: 's', schema: '"string"' }), /no record/);
  });
});
