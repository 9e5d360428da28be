/**
 * Whether KVM truly runs guests here. `/dev/kvm` may exist and yet hang every guest (nested or broken
 * virtualization), so a tiny guest is started: its firmware must come as far as a boot sector that ends
 * QEMU through the isa-debug-exit device. The finding is kept for this boot of the machine.
 * @module
 */
import { type Host, z } from '../../core/plugin/api.ts';

export interface KvmFinding {
  readonly works: boolean;
  /** Why not, for people. */
  readonly reason: string;
}

/** QEMU ends with (value << 1) | 1 when the guest writes `value` to the debug-exit port (hw/misc/debugexit.c). */
const exitValue = 0x10;
const expectedCode = (exitValue << 1) | 1;
const exitPort = 0xf4;
/** A working KVM needs well under a second from firmware to boot sector. */
const probeTimeoutMs = 5_000;

/** 512 bytes: mov al, VALUE; out PORT, al; hlt; jmp back; then the BIOS signature 55 AA. */
function bootSector(): Uint8Array {
  const sector = new Uint8Array(512);
  sector.set([0xb0, exitValue, 0xe6, exitPort, 0xf4, 0xeb, 0xfd]);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

const kept = z.object({ bootId: z.string(), works: z.boolean(), reason: z.string() });

/** Looks once per boot; `directory` keeps the finding and the probe's disk. */
export async function probeKvm(
  host: Pick<Host, 'files' | 'machine' | 'processes' | 'log'>,
  directory: string,
  emulator = '/usr/bin/qemu-system-x86_64',
): Promise<KvmFinding> {
  const { bootId } = await host.machine.facts();
  const file = `${directory}/kvm-probe.json`;
  const text = await host.files.readText(file);
  const known = text === undefined ? undefined : kept.safeParse(safeJson(text));
  if (known?.success === true && known.data.bootId === bootId) return known.data;
  await host.files.makeDirectory(directory, 0o700);
  const finding = await tryKvm(host, directory, emulator);
  host.log.info(finding.works ? 'KVM works' : `KVM is not used: ${finding.reason}`);
  await host.files.writeAtomic(file, JSON.stringify({ bootId, ...finding }), 0o600);
  return finding;
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function tryKvm(
  host: Pick<Host, 'files' | 'processes'>,
  directory: string,
  emulator: string,
): Promise<KvmFinding> {
  if ((await host.files.stat('/dev/kvm')) === undefined)
    return {
      works: false,
      reason: 'there is no /dev/kvm (no virtualization extension, or switched off in the firmware)',
    };
  const disk = `${directory}/kvm-probe.img`;
  await host.files.writeAtomic(disk, bootSector(), 0o600);
  try {
    const ended = await host.processes.exec(
      [
        emulator,
        ...[
          '-nodefaults',
          '-no-user-config',
          '-display',
          'none',
          '-machine',
          'pc,accel=kvm',
          '-cpu',
          'host',
          '-m',
          '16',
        ],
        ...[
          '-drive',
          `file=${disk},format=raw,if=ide,readonly=on`,
          '-boot',
          'c',
          '-device',
          `isa-debug-exit,iobase=${exitPort},iosize=1`,
        ],
      ],
      { timeoutMs: probeTimeoutMs },
    );
    if (ended.code === expectedCode) return { works: true, reason: '' };
    const said = ended.stderr.trim().split('\n').at(-1) ?? '';
    return {
      works: false,
      reason: `a probe guest failed (${said === '' ? `exit ${ended.code ?? ended.signal}` : said})`,
    };
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'EXEC_TIMEOUT')
      return {
        works: false,
        reason: `a probe guest did not start within ${probeTimeoutMs / 1000} s: /dev/kvm is there but does not run guests`,
      };
    if (code === 'EXEC_NOT_FOUND') return { works: false, reason: `${emulator} is not installed` };
    throw error;
  }
}
