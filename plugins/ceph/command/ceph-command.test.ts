import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../../core/host/virtual-clock.ts';
import { type ExecResult, z } from '../../../core/plugin/api.ts';
import { CephCommand, complaint } from './ceph-command.ts';

const ended = (more: Partial<ExecResult>): ExecResult => ({ code: 0, signal: null, stdout: '', stderr: '', ...more });

function commandThat(answers: Partial<ExecResult>) {
  const asked: string[][] = [];
  const ceph = new CephCommand({
    clock: new VirtualClock(),
    processes: {
      exec: async (argv: readonly string[]) => {
        asked.push([...argv]);
        return ended(answers);
      },
    },
  } as never);
  return { ceph, asked };
}

describe('commands of Ceph', () => {
  for (const [what, answer, code, text] of [
    [
      'no monitors',
      { code: 1, stderr: '[errno 110] RADOS timed out (error connecting to the cluster)\n' },
      'CEPH_AWAY',
      /RADOS timed out/,
    ],
    [
      'monitors that let nobody in',
      { code: 1, stderr: 'timed out\n' },
      'CEPH_AWAY',
      /no monitor let anybody in within 5 s/,
    ],
    [
      'a daemon that is made without monitors',
      { code: 1, stderr: 'failed to fetch mon config (--no-mon-config to skip)\n' },
      'CEPH_AWAY',
      /failed to fetch mon config/,
    ],
    [
      'no configuration',
      {
        code: 1,
        stderr:
          "Error initializing cluster client: ObjectNotFound('RADOS object not found (error calling conf_read_file)')",
      },
      'CEPH_AWAY',
      /conf_read_file/,
    ],
    [
      'a refusal',
      { code: 22, stderr: 'Error EINVAL: size must be between 1 and 10\n' },
      'CEPH_REFUSED',
      /a test: Error EINVAL: size must/,
    ],
    ['a command that says nothing', { code: 5 }, 'CEPH_REFUSED', /exit code 5/],
  ] as const)
    it(`tell of ${what} by ${code}`, async () => {
      const { ceph } = commandThat(answer);
      await assert.rejects(
        ceph.ceph('a test', ['status']),
        (error: Error & { code?: string }) => error.code === code && text.test(error.message),
      );
    });

  it('check what is answered', async () => {
    const shape = z.looseObject({ size: z.int() });
    assert.deepEqual(await commandThat({ stdout: '{"size":3,"more":1}' }).ceph.askRbd(shape, ['info', 'a/b']), {
      size: 3,
      more: 1,
    });
    for (const stdout of ['', '{', '{"size":"3"}'])
      await assert.rejects(commandThat({ stdout }).ceph.askRbd(shape, ['info', 'a/b']), { code: 'CEPH_STRANGE' });
  });

  it('leave the stamps of a log out of a complaint', () =>
    assert.equal(
      complaint(
        ended({ stderr: '2026-11-27T18:45:28.123+0000 7f0a -1 rbd: error opening image x: (2) No such file\n\n' }),
      ),
      'rbd: error opening image x: (2) No such file',
    ));
});
