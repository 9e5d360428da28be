import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../core/host/virtual-host.ts';
import type { ScriptedResult } from '../../core/host/virtual-processes.ts';
import { probeKvm } from './kvm-probe.ts';

async function setUp(answer?: ScriptedResult) {
  const host = createVirtualHost();
  await host.files.makeDirectory('/dev');
  await host.files.writeAtomic('/dev/kvm', '');
  if (answer !== undefined) host.processes.on(['/usr/bin/qemu-system-x86_64'], answer);
  const probe = async () => {
    const found = probeKvm(host, '/var/lib/pvc');
    await host.clock.advance(10_000);
    return found;
  };
  return { host, probe };
}

describe('the KVM probe', () => {
  for (const [what, answer, works, reason] of [
    ['ends as its boot sector says', { code: 33 }, true, /^$/],
    [
      'ends otherwise',
      { code: 1, stderr: 'warning\nCould not access KVM kernel module: Permission denied\n' },
      false,
      /Permission denied\)$/,
    ],
    ['ends without a word', { code: 0 }, false, /\(exit 0\)/],
    ['is killed', { code: null, signal: 'SIGSEGV' }, false, /\(exit SIGSEGV\)/],
    ['hangs', { tookMs: Infinity }, false, /did not start within 5 s/],
    ['is not installed', undefined, false, /not installed/],
  ] as const) {
    it(`says ${works ? 'yes' : 'no, and why,'} when the guest ${what}`, async () => {
      const { probe } = await setUp(answer);
      const found = await probe();
      assert.equal(found.works, works);
      assert.match(found.reason, reason);
    });
  }

  it('needs no guest where there is no /dev/kvm', async () => {
    const { host, probe } = await setUp({ code: 33 });
    await host.files.remove('/dev/kvm');
    assert.match((await probe()).reason, /no \/dev\/kvm/);
    assert.equal(host.processes.calls.length, 0);
  });

  it('looks once a boot of the machine', async () => {
    const { host, probe } = await setUp({ code: 33 });
    await probe();
    assert.equal((await probe()).works, true);
    assert.equal(host.processes.calls.length, 1);
    host.facts = { ...host.facts, bootId: '00000000-0000-4000-8000-000000000002' };
    host.processes.on(['/usr/bin/qemu-system-x86_64'], { code: 1 });
    assert.equal((await probe()).works, false);
    assert.equal(host.processes.calls.length, 2);
  });

  it('looks again when what it kept is damaged', async () => {
    const { host, probe } = await setUp({ code: 33 });
    for (const text of ['', '{', '{"works":"yes"}', 'null']) {
      await host.files.makeDirectory('/var/lib/pvc');
      await host.files.writeAtomic('/var/lib/pvc/kvm-probe.json', text);
      assert.equal((await probe()).works, true, text);
    }
    assert.equal(host.processes.calls.length, 4);
  });

  it('boots 512 bytes that end in the signature of a boot sector', async () => {
    const { host, probe } = await setUp({ code: 33 });
    await probe();
    const sector = (await host.files.readBytes('/var/lib/pvc/kvm-probe.img')) ?? new Uint8Array();
    assert.deepEqual([sector.length, sector[510], sector[511]], [512, 0x55, 0xaa]);
    assert.ok(host.processes.calls[0]?.argv.some((word) => word.includes('accel=kvm')));
    assert.ok((host.processes.calls[0]?.options.timeoutMs ?? Infinity) <= 10_000);
  });
});
