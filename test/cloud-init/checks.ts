/** What is true in a guest that cloud-init has set up as it was told, and what is refused. @module */
import assert from 'node:assert/strict';
import type { WaitOptions } from '../e2e/wait-for.ts';
import type { CloudGuest, Login } from './cloud-guest.ts';

/** As in web.yaml. */
const password = { user: 'op', password: 'known-to-the-show' } as const;

/** What is asked in the guest, by what the answer is about. */
const questions = {
  result: 'cat /run/cloud-init/result.json',
  status: 'cloud-init status',
  // Debian 12's netplan finds the file too open that Debian 12's cloud-init wrote, which passes that on.
  warnings: `sudo grep -F '[WARNING]' /var/log/cloud-init.log | grep -v "'netplan', 'apply'"`,
  schema: 'sudo cloud-init schema --system',
  host: 'hostname',
  written: 'cat /etc/show',
  ran: 'cat /var/lib/show',
  mounted: 'findmnt --noheadings --output SOURCE,FSTYPE /srv',
  rootMiB: 'df --output=size --block-size=1M / | tail -n 1',
  hostKeys: 'ls /etc/ssh | grep -c "^ssh_host_.*_key$"',
  cards: 'ls /sys/class/net',
  bootId: 'cat /proc/sys/kernel/random/boot_id',
};
type Answers = Readonly<Record<keyof typeof questions | 'neighbour', string>>;

async function askAll(guest: CloudGuest, node: string, login: Login, neighbour: string): Promise<Answers> {
  const all = { ...questions, neighbour: `getent hosts ${neighbour}` };
  const script = Object.entries(all)
    .map(([about, command]) => `echo "== ${about}"; ${command} 2>&1`)
    .join('; ');
  const { code, stdout, stderr } = await guest.ssh(node, login, script);
  assert.equal(code, 0, `ssh to ${guest.name}: ${stderr}\n${stdout}`);
  const parts = stdout.split(/^== (\w+)\n/m).slice(1);
  const answers: Record<string, string> = {};
  for (let at = 0; at < parts.length; at += 2) answers[parts[at] ?? ''] = (parts[at + 1] ?? '').trim();
  return answers as Answers;
}

/**
 * Looks from inside, by ssh with the key of the profile, and once with the password of the userdata.
 * @param way `disk` or `network` @returns what was seen, in a line
 */
export async function checkGuest(
  guest: CloudGuest,
  node: string,
  login: Login,
  way: string,
  domain: string,
): Promise<string> {
  const { uuid } = await guest.info();
  const other = guest.name === 'web1' ? 'web2' : 'web1';
  const told = await askAll(guest, node, login, `${other}.${domain}`);
  const { v1 } = JSON.parse(told.result) as { v1: { datasource: string; errors: string[] } };
  const shown = JSON.stringify(told, undefined, 1);
  assert.deepEqual(v1.errors, [], shown);
  // The network's answer names where it was asked.
  const source =
    way === 'disk' ? /^DataSourceNoCloud \[seed=\/dev\/vdc\]/ : /^DataSourceNoCloudNet \[.*http:\/\/169\.254\.169\.254/;
  assert.match(v1.datasource, source);
  assert.match(told.status, /status: done/, shown);
  assert.equal(told.warnings, '', shown);
  assert.match(told.schema, /^Valid/m, shown);
  assert.doesNotMatch(told.schema, /invalid/i);
  assert.equal(told.host, guest.name);
  assert.equal(told.written, 'told by userdata', shown);
  assert.equal(told.ran, `${uuid} ${guest.name}`, shown);
  assert.match(told.mounted, /^\/dev\/vdb +ext4$/, shown);
  assert.ok(Number(told.rootMiB) > 700, `the root has not grown with its disk: ${told.rootMiB} MiB`);
  assert.equal(told.hostKeys, '1', shown);
  assert.match(told.cards, way === 'disk' ? /^lo\nnic0$/ : /^(ens|enp)\w+\nlo$/);
  assert.match(told.neighbour, /^10\.27\.0\.\d+ +web\d/, shown);
  const byPassword = await guest.ssh(node, password, 'id --user --name');
  assert.equal(byPassword.stdout, 'op\n', byPassword.stderr);
  return `${v1.datasource}; name, key, password, files, commands, /srv, root of ${told.rootMiB} MiB: as told`;
}

/** Somebody else's key, no matter for whom, and a wrong password are refused. */
export async function checkRefusals(guest: CloudGuest, node: string): Promise<string> {
  const strangers: Login[] = [
    { user: 'debian', key: 'wrong' },
    { user: 'root', key: 'wrong' },
    { user: 'op', key: 'right' },
    { user: 'op', password: 'guessed' },
    { user: 'debian', password: password.password },
  ];
  for (const login of strangers) {
    const { code, stderr, stdout } = await guest.ssh(node, login, 'id');
    assert.equal(code, 255, `${login.user} came in: ${stdout}`);
    assert.match(stderr, /Permission denied/, `${login.user} was not refused, but not heard: ${stderr}`);
  }
  return 'another key, another password, another user: permission denied';
}

/** After a restart it is the same guest: nothing is set up anew, and it is reached as before. */
export async function checkSecondBoot(
  guest: CloudGuest,
  neighbour: CloudGuest,
  node: string,
  login: Login,
  domain: string,
  patience: WaitOptions,
): Promise<string> {
  const { lab, name } = guest;
  const asked = `${neighbour.name}.${domain}`;
  const before = await askAll(guest, node, login, asked);
  const beganMs = performance.now();
  (await lab.pvc('hv1', ['vm', 'restart', name, '--yes'], { timeoutMs: 600_000 })).ok();
  const after = await lab.waitFor(
    `${name} to be back`,
    async () => {
      const told = await askAll(guest, node, login, asked);
      return told.bootId !== before.bootId && told.status.includes('done') && told;
    },
    patience,
  );
  assert.deepEqual(after, { ...before, bootId: after.bootId, warnings: after.warnings });
  return `${name} was restarted, and is the same, ${((performance.now() - beganMs) / 1000).toFixed(1)} s after`;
}
