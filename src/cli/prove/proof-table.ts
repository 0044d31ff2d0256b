/** A proof for people. */
import type { ClusterProof } from '../../prove/cluster/prove-cluster.ts';
import { isProven, type Proof } from '../../prove/prove.ts';
import { outputWidth, renderTable } from '../table.ts';

const shownFailures = 20;

type Row = readonly [what: string, value: number | string];

export function proofTable(proof: Proof | ClusterProof): string {
  const rows: readonly Row[] = [
    ['seed', proof.seed],
    ...struck(proof),
    [proof.sends, proof.packages],
    [again[proof.sends], proof.resent],
    [acknowledged[proof.sends], proof.acknowledged],
    ...landed(proof),
    ...Object.entries(proof.counts),
    ['lost', proof.lost.length],
    ['twice', proof.twice.length],
    ['wrong bytes', proof.wrong.length],
    [proof.sends === 'files' ? 'torn' : 'torn objects', proof.torn.length],
    ['other failures', proof.failures.length],
    ...ofCluster(proof),
    ['seconds', proof.seconds.toFixed(1)],
  ];
  const table = renderTable(
    [{ title: isProven(proof) ? 'PROVEN' : 'FAILED' }, { title: '', align: 'right' }],
    rows.map(([what, value]) => [what, String(value)]),
    outputWidth(),
  );
  const failures = [...proof.lost, ...proof.twice, ...proof.wrong, ...proof.torn, ...proof.failures];
  return [table, ...failures.slice(0, shownFailures)].join('\n');
}

const moments: Readonly<Record<string, string>> = {
  work: 'killed while it worked',
  start: 'killed in the first second of a start',
  postgres: 'killed with its PostgreSQL',
};

function struck({ kills }: Proof): readonly Row[] {
  return Object.entries(kills).map(([what, count]) => [moments[what] ?? what, count]);
}

const again = {
  packages: 'sent again',
  requests: 'sent again',
  envelopes: 'sent again',
  files: 'finished or written anew by another writer',
} as const;

const acknowledged = {
  packages: 'events acknowledged',
  requests: 'events acknowledged',
  envelopes: 'events acknowledged',
  files: 'files as they were in the end',
} as const;

function landed({ sends, landed: events, deadLetters }: Proof): readonly Row[] {
  if (sends === 'requests') return [['  landed in objects', events]];
  if (sends === 'envelopes')
    return [
      ['  landed in objects', events],
      ['envelopes kept as dead letters', deadLetters],
    ];
  return [
    [sends === 'files' ? '  landed in tables' : '  landed in table and objects', events],
    ['  kept as dead letters', deadLetters],
  ];
}

function ofCluster(proof: Proof | ClusterProof): readonly Row[] {
  if (!('memory' in proof)) return [];
  const { firstThirdMiB = '', lastThirdMiB = '' } = proof.memory ?? {};
  return [
    ['starts of nodes that failed and were tried again', proof.failedStarts],
    ['most memory of a node, first third, MiB', firstThirdMiB],
    ['most memory of a node, last third, MiB', lastThirdMiB],
  ];
}
