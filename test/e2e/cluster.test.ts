/**
 * The life of a one-node cluster as an administrator has it: made by command, crashed, stopped, power cut.
 * @module
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { daemonProcess } from '../lab/daemon.ts';
import { type TestLab, withLab } from './test-lab.ts';

const answers = (lab: TestLab) => async () =>
  (await lab.pvc('hv1', ['cluster', 'status', '--format', 'json'])).code === 0;

describe('a cluster of one node', () => {
  it('answers after a crash of its daemon, a stop and start, and a power cut', async () => {
    await withLab({}, async (lab) => {
      assert.equal((await lab.pvc('hv1', ['cluster', 'status', '--format', 'json'])).ok().code, 0);
      assert.ok((await lab.token()).length >= 8);

      const before = await daemonProcess(lab.record, 'hv1');
      await lab.daemon('hv1', 'kill');
      await lab.waitFor('another daemon', async () => {
        const now = await daemonProcess(lab.record, 'hv1');
        return now !== undefined && now !== before;
      });
      await lab.waitFor('the cluster to answer after a crash', answers(lab));

      await lab.daemon('hv1', 'stop');
      assert.equal(await daemonProcess(lab.record, 'hv1'), undefined);
      await lab.daemon('hv1', 'start');
      await lab.waitFor('the cluster to answer after a stop', answers(lab));

      await lab.power('hv1', 'off');
      await lab.power('hv1', 'on');
      await lab.waitFor('the cluster to answer after a power cut', answers(lab));
    });
  });
});
