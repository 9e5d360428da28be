/**
 * `npm run test:installer [-- --firmware efi]`: a server with a blank disk boots dist/installer/pvc-installer.iso (`npm run build:installer`)
 * with answers, is installed and boots from that disk; there `pvc` makes a cluster of one node. Prints when each stage was reached.
 * Emulated it takes many minutes.
 * @module
 */
import assert from 'node:assert/strict';
import { access, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRepository } from '../../build/paths.ts';
import { watchInterrupt } from '../lab/interrupt.ts';
import { run } from '../lab/run.ts';
import { readWords } from '../tool.ts';
import { DiskMachine, mac } from './disk-machine.ts';

const usage = `A server with a blank disk is installed from dist/installer. Build that first: npm run build:installer.

  npm run test:installer -- [--firmware bios|efi]

  --firmware  of the server (bios); the disk that it has made boots with both
`;
const { values } = readWords('npm run test:installer', usage, {
  options: { firmware: { type: 'string', default: 'bios' } },
});
const { firmware } = values;
assert.ok(firmware === 'bios' || firmware === 'efi', `--firmware ${firmware}: not bios or efi`);
const iso = inRepository('dist/installer/pvc-installer.iso');
await access(iso).catch(() => {
  throw new Error('dist/installer/pvc-installer.iso is not there: npm run build:installer');
});

const [name, password] = ['hv1', 'only-in-this-test'];
const diskBytes = 12 * 2 ** 30;
const beginMs = Date.now();
const say = (text: string): void => console.log(`${((Date.now() - beginMs) / 1000).toFixed(1).padStart(7)} s  ${text}`);

using interrupt = watchInterrupt();
const { signal } = interrupt;
const work = await mkdtemp(join(tmpdir(), 'pvc-installer-test-'));

/** A CD with answers. */
async function answersCd(file: string, answers: Readonly<Record<string, string>>): Promise<string> {
  const directory = join(work, `${file}.d`);
  await mkdir(directory);
  const text = Object.entries(answers).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(join(directory, 'answers'), text.join(''));
  await run(['genisoimage', '-quiet', '-V', 'PVC_ANSWERS', '-o', join(work, file), directory]);
  return join(work, file);
}

async function install(answers: Readonly<Record<string, string>>): Promise<void> {
  await writeFile(join(work, 'disk'), '');
  await truncate(join(work, 'disk'), diskBytes);
  const cd = await answersCd('answers.iso', answers);
  await using server = await DiskMachine.start({
    directory: work,
    firmware: firmware as 'bios',
    disk: 'disk',
    media: [iso, cd],
    signal,
  });
  say('switched on, with the medium');
  await server.sees(/PVC: divide \/dev\/vda/);
  say('its disk is divided');
  await server.sees(/PVC: make it boot/);
  say('the system is copied');
  await server.sees(new RegExp(`PVC: ${name} is installed on /dev/vda`));
  say('installed');
  await server.ends();
}

/** @param other the firmware that it was not installed with, for a boot of it too */
async function boot(with_: 'bios' | 'efi', use: (server: DiskMachine) => Promise<void>): Promise<void> {
  await using server = await DiskMachine.start({ directory: work, firmware: with_, disk: 'disk', signal });
  say(`switched on, without the medium (${with_})`);
  await server.sees(new RegExp(`${name} login: `));
  say('it has booted from its disk');
  await use(server);
}

let commands = 0;
/** What a command on its serial line prints; it must succeed. */
async function command(server: DiskMachine, text: string): Promise<string> {
  commands += 1;
  server.type(`${text}; echo "end $?" ${commands} | tr a-z A-Z\n`);
  const told = await server.sees(new RegExp(`END \\d+ ${commands}\\r`));
  assert.match(told, new RegExp(`END 0 ${commands}\\r$`), `${text}:\n${told}`);
  return told;
}

async function makeCluster(server: DiskMachine): Promise<void> {
  server.type('root\n');
  await server.sees(/Password: /);
  server.type(`${password}\n`);
  await server.sees(new RegExp(`root@${name}:~# `));
  await command(server, 'export PAGER=cat TERM=dumb');
  say((await command(server, 'pvc --version')).match(/pvc \d\S*/)?.[0] ?? 'pvc has no version');
  assert.match(await command(server, 'ip -brief address'), /10\.10\.0\.11\/24/);
  assert.match(await command(server, 'findmnt --noheadings --output FSTYPE /'), /ext4/);
  await command(server, 'pvc config check');
  await command(server, 'pvc cluster init --name mine >/root/made 2>&1 || { cat /root/made; false; }');
  await command(server, 'systemctl enable --now pvcd');
  await command(server, 'until pvc cluster status >/dev/null 2>&1; do sleep 1; done');
  say('a cluster of one node is there');
  assert.match(await command(server, 'pvc node list --format json'), /"role": *"coordinator"/);
  await command(
    server,
    'for i in $(seq 120); do pvc node info --format json | grep -q \'"daemon": *"run"\' && break; sleep 1; done; pvc node info',
  );
  say('its node runs');
}

try {
  const { stdout: hash } = await run(['openssl', 'passwd', '-6', password]);
  await install({
    ...{ disk: '/dev/vda', erase: 'yes', name, card: mac, address: '10.10.0.11/24', gateway: '10.10.0.1' },
    ...{ hash: hash.trim(), end: 'poweroff' },
  });
  await boot(firmware, makeCluster);
  await boot(firmware === 'bios' ? 'efi' : 'bios', async () => {});
} finally {
  await rm(work, { recursive: true, force: true });
}
