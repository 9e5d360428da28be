import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grastate, positionIn, recoveredIn } from './grastate.ts';
import { readAnswer } from './server-answer.ts';

const history = '8e183b3f-eb3c-11f1-9c2d-c3fb9113bf5c';
const nothing = '00000000-0000-0000-0000-000000000000';

describe('how far the data of a MariaDB go', () => {
  it('is read from what was written', () => {
    for (const begins of [true, false])
      assert.deepEqual(positionIn(grastate({ history, seqno: 24 }, begins)), { history, seqno: 24 });
    assert.match(grastate({ history, seqno: 24 }, true), /^safe_to_bootstrap: 1$/m);
    assert.match(grastate({ history, seqno: 24 }, false), /^safe_to_bootstrap: 0$/m);
  });

  it('is not known after a crash, without data, or from rubbish', () => {
    for (const text of [
      grastate({ history, seqno: -1 }, false),
      grastate({ history: nothing, seqno: 5 }, false),
      '',
      'uuid: x\nseqno: 1\n',
      `uuid:    ${history}\n`,
    ])
      assert.equal(positionIn(text), undefined);
  });

  it('is found in the data by MariaDB itself', () => {
    const line = (at: string) => `2026-11-28 15:03:01 0 [Note] WSREP: Recovered position: ${at}\nbye\n`;
    assert.deepEqual(recoveredIn(line(`${history}:24`)), { history, seqno: 24 });
    assert.equal(recoveredIn(line(`${nothing}:-1`)), undefined);
    assert.equal(recoveredIn('InnoDB: Corrupted page\n'), undefined);
  });
});

describe('what a MariaDB says of itself', () => {
  const said = (change: Readonly<Record<string, string>> = {}): string =>
    Object.entries({
      ...{ wsrep_last_committed: '24', wsrep_local_state_comment: 'Synced', wsrep_cluster_size: '3' },
      ...{ wsrep_cluster_state_uuid: history, wsrep_cluster_status: 'Primary', wsrep_ready: 'ON', tables: '1' },
      ...change,
    })
      .map((row) => row.join('\t'))
      .join('\n');
  const whole = { primary: true, size: 3, state: 'Synced', position: { history, seqno: 24 }, tables: true };
  for (const [what, change, answer] of [
    ['with all others', {}, whole],
    [
      'alone',
      { wsrep_cluster_status: 'non-Primary', wsrep_ready: 'OFF', wsrep_cluster_size: '1' },
      { ...whole, primary: false, size: 1 },
    ],
    ['with others, while it still gets what they have', { wsrep_ready: 'OFF' }, { ...whole, primary: false }],
    [
      'with Galera switched off',
      { wsrep_cluster_state_uuid: '', wsrep_last_committed: '18446744073709551615' },
      { ...whole, position: undefined },
    ],
    ['before it has tables', { tables: '0' }, { ...whole, tables: false }],
  ] as const)
    it(`is understood: ${what}`, () => assert.deepEqual(readAnswer(said(change)), answer));

  it('is not taken for an answer when it is none', () => {
    for (const text of ['', 'ERROR 1047', said({ wsrep_ready: 'MAYBE' }), said({ tables: 'x' })])
      assert.throws(() => readAnswer(text));
  });
});
