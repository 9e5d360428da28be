/** Tasks while libvirt goes away: begun again, but not after a refusal, nor past their end. @module */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnyTaskDefinition } from '../../core/plugin/api.ts';
import { acrossLibvirt } from './across-libvirt.ts';
import { libvirtError } from './rpc/errors.ts';
import { vmError } from './vm-kind.ts';

type Run = Parameters<AnyTaskDefinition['run']>[0];

/** A task whose tries end as given, one after the other; and how often it was tried. */
function task(...ends: (Error | string)[]) {
  let tries = 0;
  const stop = new AbortController();
  const run = { phase: 'off', signal: stop.signal, log: { info: () => undefined } } as unknown as Run;
  const clock = { sleep: async () => stop.signal.throwIfAborted() };
  const definition = acrossLibvirt(
    {
      action: 'vm.test',
      summary: '',
      run: async () => {
        const end = ends[tries];
        tries += 1;
        if (typeof end !== 'string') throw end ?? new Error('tried too often');
        return end;
      },
    },
    { clock } as unknown as Parameters<typeof acrossLibvirt>[1],
  );
  return { run: () => definition.run(run), tries: () => tries, stop };
}

const lost = libvirtError('LIBVIRT_LOST', { target: 'sock', reason: 'died' });
const unknown = libvirtError('LIBVIRT_OUTCOME_UNKNOWN', { procedure: 'domainCreateXml', reason: 'died' });

describe('a task while libvirt goes away', () => {
  it('is begun again until it comes to an end', async () => {
    const tried = task(vmError('LIBVIRT_AWAY', { node: 'hv1', reason: 'not connected' }), lost, unknown, 'done');
    assert.equal(await tried.run(), 'done');
    assert.equal(tried.tries(), 4);
  });

  it('fails with what libvirt refused', async () => {
    const refused = libvirtError('LIBVIRT_REFUSED', { procedure: 'domainReset', reason: 'no' });
    const tried = task(lost, refused);
    await assert.rejects(tried.run(), refused);
    assert.equal(tried.tries(), 2);
  });

  it('ends when it is cancelled', async () => {
    const tried = task(lost, lost);
    tried.stop.abort(new Error('cancelled'));
    await assert.rejects(tried.run(), lost);
    assert.equal(tried.tries(), 1);
  });
});
