/** `pvc cluster move-store`, `backup` and `restore`: the state of the cluster as a whole, on a node of it. @module */
import { z } from 'zod';
import { cliError } from '../cli/cli-errors.ts';
import { defineLocalCommand } from '../cli/local-command.ts';
import type { Program } from '../program.ts';

const file = z.string().min(1).max(4096).describe('path of the file');

const openHere = async () => {
  const { createLinuxHost } = await import('../host/linux.ts');
  return createLinuxHost({ level: 'warn', destination: 'stderr', pretty: true });
};

export const stateCommands = (program: () => Promise<Program>) => [
  defineLocalCommand({
    command: 'cluster move-store',
    summary: 'Move the state of this one-node cluster from the embedded store to ZooKeeper',
    description:
      'Afterwards other nodes can join. Stop the daemon first (`systemctl stop pvcd`) and start it afterwards; guests run on all the time. Every object is copied and compared before anything changes; the embedded store is kept under another name. Cut off at any moment, it can be given again.',
    input: z.strictObject({
      clusterNetwork: z
        .union([z.cidrv4(), z.cidrv6()], 'a network is written like 10.0.0.0/24')
        .describe('network between the servers, as 10.0.0.0/24'),
      address: z.union([z.ipv4(), z.ipv6()]).optional().describe('this node’s own address in it, where it has several'),
      floating: z.union([z.ipv4(), z.ipv6()]).optional().describe('address in it that always belongs to the primary'),
      check: z.boolean().default(false).describe('only look whether it can be done; change nothing'),
    }),
    options: { clusterNetwork: { value: 'CIDR' }, address: { value: 'ADDRESS' }, floating: { value: 'ADDRESS' } },
    examples: ['pvc cluster move-store --cluster-network 10.0.0.0/24 --floating 10.0.0.10'],
    async run(context) {
      const { moveStore } = await import('./move-store.ts');
      const { check, ...request } = context.input;
      const moved = await moveStore(await openHere(), await program(), { ...request, plan: check });
      if (context.format !== 'pretty') await context.print(moved);
      else if (moved.kept === null)
        context.terminal.write(`${moved.entries} entries can be moved; nothing was changed.\n`);
      else
        context.terminal.write(
          [
            `The state of ${moved.cluster} (${moved.entries} entries) is in ZooKeeper now, on ${moved.address}.`,
            `The embedded store is kept as ${moved.kept}.`,
            '',
            'Next:',
            '  systemctl start pvcd                         start the daemon again',
            '  pvc node token --role coordinator            then let the other coordinators join',
            '',
          ].join('\n'),
        );
      return 0;
    },
  }),
  defineLocalCommand({
    command: 'cluster backup',
    summary: 'Write the state of the cluster to a file',
    description:
      'All objects: guests, nodes, settings, audit records; no disk of a guest, no key and no secret. Run it on a node; the daemons may run.',
    input: z.strictObject({ file }),
    arguments: [{ field: 'file', value: 'FILE', complete: 'file' }],
    examples: ['pvc cluster backup /root/pvc-2030-01-01.json'],
    async run(context) {
      const host = await openHere();
      const { openStore } = await import('../cluster/open-store.ts');
      const { backupText, movable } = await import('../cluster/state-copy.ts');
      const { cluster, clusterError, clusterId } = await import('../model/cluster-kind.ts');
      const { Documents } = await import('../store/documents.ts');
      const { version, loaded } = await program();
      const path = context.input.file;
      const store = await openStore(host, loaded.config, 'backup');
      try {
        const made = await new Documents(store).get(cluster, clusterId);
        if (made === undefined)
          throw clusterError('CLUSTER_NOT_INITIALISED', { path: loaded.config.directories.state });
        const entries = movable(await store.list('/'));
        const text = backupText({ cluster: made.spec.name, version, takenMs: host.clock.wallMs() }, entries);
        await host.files.writeAtomic(path, text, 0o600);
        if (context.format !== 'pretty')
          await context.print({ file: path, cluster: made.spec.name, entries: entries.length, bytes: text.length });
        else context.terminal.write(`${entries.length} entries of ${made.spec.name} are in ${path}.\n`);
      } finally {
        await store.close();
      }
      return 0;
    },
  }),
  defineLocalCommand({
    command: 'cluster restore',
    summary: 'Bring the objects of a backup into this cluster, which must have none',
    description:
      'For a new cluster, made with `pvc cluster init`, before anything is defined in it. Guests, their settings and the audit records come back; nodes, tokens and keys are those of the new cluster. A guest whose node has another name now is shown there and can be moved.',
    input: z.strictObject({ file }),
    arguments: [{ field: 'file', value: 'FILE', complete: 'file' }],
    confirm: 'Bring the objects of {file} into this cluster?',
    examples: ['pvc cluster restore /root/pvc-2030-01-01.json'],
    async run(context) {
      const host = await openHere();
      const { openStore } = await import('../cluster/open-store.ts');
      const { copyError, defined, parseBackup, restorable, writeEntries } = await import('../cluster/state-copy.ts');
      const { loaded } = await program();
      const path = context.input.file;
      const text = await host.files.readText(path);
      if (text === undefined) throw cliError('INPUT_FILE', { path, reason: 'there is no such file' });
      const read = parseBackup(text, path);
      const store = await openStore(host, loaded.config, 'restore');
      try {
        const there = defined(await store.list('/'));
        if (there.length > 0)
          throw copyError(
            'COPY_NOT_SAFE',
            { what: 'restored' },
            { details: [`the cluster is not empty: ${there.length} entries, as ${there[0]?.key ?? ''}`] },
          );
        const entries = restorable(read.entries);
        await writeEntries(store, entries);
        if (context.format !== 'pretty')
          await context.print({ file: path, cluster: read.cluster, entries: entries.length });
        else context.terminal.write(`${entries.length} entries of ${read.cluster} are in this cluster now.\n`);
      } finally {
        await store.close();
      }
      return 0;
    },
  }),
];
