/**
 * When everything that was begun has come to its end: no task is at work, and the store, the status,
 * libvirt and the kernel tell the same of what runs.
 * @module
 */
import { qemus } from './node-process.ts';
import type { TestLab } from './test-lab.ts';

/** Running guests in libvirt's own words. */
async function virshList(lab: TestLab, node: string): Promise<string[]> {
  const { stdout } = await lab.exec(node, ['virsh', '-q', 'list', '--name']);
  return stdout.split('\n').filter((name) => name !== '');
}

/** What libvirt holds each guest for, and the processes that it could mean. */
async function libvirtEvidence(lab: TestLab, node: string): Promise<string> {
  const look =
    'for name in $(virsh -q list --all --name); do echo "$name: $(virsh domstate --reason "$name" | head -1) pid $(cat "/run/libvirt/qemu/$name.pid" 2>&1)"; done; ps -eo pid,ppid,stat,args | cut -c1-120 | grep -E "qemu|libvirt" | grep -v grep';
  const { stdout, stderr } = await lab.exec(node, ['timeout', '20', 'sh', '-c', look], { accept: 'any' });
  return `--- libvirt on ${node}\n${stdout}${stderr}`;
}

/**
 * Waits until the node is at rest and all agree.
 * @param strangers guests that run there and are none of PVC's
 * @throws NeverHappened with what everybody said
 */
export async function settled(lab: TestLab, node: string, strangers: readonly string[] = []): Promise<void> {
  let said: unknown;
  await lab.waitFor(
    'tasks to end and everybody to agree on what runs',
    async () => {
      said = 'the daemon does not answer';
      const tasks = await lab.ask(node, 'task.list', { state: 'active' });
      const guests = await lab.ask(node, 'vm.list', {});
      const names = (fits: (guest: (typeof guests)[number]) => boolean): string =>
        guests
          .filter(fits)
          .map((guest) => guest.name)
          .sort()
          .join(' ');
      // One name for each process: a second copy is no agreement.
      const processes = [...(await qemus(lab, node))].flatMap(([name, pids]) => pids.map(() => name));
      const own = (list: readonly string[]): string =>
        list
          .filter((name) => !strangers.includes(name))
          .sort()
          .join(' ');
      const views = {
        asked: names((guest) => guest.run === 'running'),
        told: names((guest) => guest.state === 'running' || guest.state === 'paused'),
        processes: own(processes),
        libvirt: own(await virshList(lab, node)),
      };
      said = { tasks: tasks.map(({ id, action, state, phase }) => ({ id, action, state, phase })), ...views };
      return tasks.length === 0 && new Set(Object.values(views)).size === 1;
    },
    {
      timeoutMs: 60_000,
      evidence: async () =>
        `--- they say ${JSON.stringify(said)}\n${await libvirtEvidence(lab, node)}\n${await lab.evidence()}`,
    },
  );
}
