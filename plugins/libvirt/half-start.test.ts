import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../core/plugin/api.ts';
import { withoutHalfStarts } from './half-start.ts';

const record = (pid: number): string =>
  `<!--\nWARNING: made by libvirt\n-->\n<domstatus state='paused' reason='starting up' pid='${pid}'>\n</domstatus>\n`;

interface Case {
  readonly reason: string;
  /** When libvirtd has written the record, relative to its own start; undefined: there is none. */
  readonly writtenMs: number | undefined;
  readonly pid: number;
  readonly managed: boolean;
}

/** Opens a libvirtd with one guest, and tells what was done. */
async function open({ reason, writtenMs, pid, managed }: Case): Promise<{ done: string[]; told: string }> {
  const done: string[] = [];
  const guest = { uuid: 'u', name: 'web1', id: 3, state: 'paused', reason };
  const host = {
    log: { warn: () => undefined },
    files: {
      async stat(path: string) {
        if (path === '/run/libvirtd.pid') return { mtimeMs: 1_000 };
        return writtenMs === undefined ? undefined : { mtimeMs: 1_000 + writtenMs };
      },
      readText: async () => record(pid),
      remove: async (path: string) => done.push(`remove ${path}`),
    },
  };
  const driver = { listDomains: async () => [guest], close: async () => done.push('close') };
  const restart = async () => {
    done.push('restart');
  };
  const opened = withoutHalfStarts(async () => driver as never, managed ? restart : undefined);
  const told = await opened(host as never, {} as never).then(
    () => 'opened',
    (error: unknown) => (error instanceof PvcError ? error.code : String(error)),
  );
  return { done, told };
}

const half: Case = { reason: 'starting-up', writtenMs: -5, pid: 0, managed: true };
const harmless = { done: [], told: 'opened' };

describe('a libvirtd that was killed while it started a guest', () => {
  it('is started again without the record of it', async () => {
    const done = ['restart', 'remove /run/libvirt/qemu/web1.xml', 'close'];
    assert.deepEqual(await open(half), { done, told: 'LIBVIRT_HALF_START' });
  });

  it('is not used, and left alone, where it is not to be managed', async () => {
    assert.deepEqual(await open({ ...half, managed: false }), { done: ['close'], told: 'LIBVIRT_HALF_START' });
  });

  for (const [what, change] of [
    ['starts it right now', { writtenMs: 5 }],
    ['has a process for it', { pid: 4711 }],
    ['has no record of it', { writtenMs: undefined }],
    ['has paused it', { reason: 'user' }],
  ] as const)
    it(`is not one that ${what}`, async () => {
      assert.deepEqual(await open({ ...half, ...change }), harmless);
    });
});
