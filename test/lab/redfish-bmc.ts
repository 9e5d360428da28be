/**
 * `redfish-bmc.ts LAB NODE`: a BMC that speaks Redfish, in the namespace of the node's BMC, whose power is the node's power in
 * the lab. It runs until it is ended.
 * @module
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startRedfishBmc } from '../fixtures/redfish-bmc.ts';
import { readLab } from './state.ts';
import { bmcOf, nodeOf } from './topology.ts';

const [lab = '', name = ''] = process.argv.slice(2);
const { topology } = await readLab(lab);
/** As ipmi_sim does it. */
const chassis = async (...words: readonly string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'bmc-power.ts'), lab, name, ...words]))
    .stdout;
const words: Readonly<Record<string, readonly string[]>> = {
  On: ['set', 'power', '1'],
  ForceOff: ['set', 'power', '0'],
  ForceRestart: ['set', 'reset', '1'],
};

await startRedfishBmc({
  ...bmcOf(nodeOf(topology, name)),
  port: 443,
  systems: {
    system: {
      isOn: async () => (await chassis('get', 'power')).includes('power:1'),
      reset: async (type) => void (await chassis(...(words[type] ?? []))),
    },
  },
});
process.stdout.write('ready\n');
