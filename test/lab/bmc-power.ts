/**
 * What a BMC runs for its chassis: `bmc-power.ts LAB NODE get|set WHAT [VALUE]` (ipmi_lan(5), chassis_control). The power
 * is asked of the lab each time, so that it is true however the node was switched.
 * @module
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { lieFile } from './bmc.ts';
import { poweredProcess } from './node-namespace.ts';
import { switchPower } from './power.ts';
import { readLab } from './state.ts';
import { nodeOf } from './topology.ts';

const [lab = '', name = '', verb = '', ...words] = process.argv.slice(2);
const record = await readLab(lab);
const node = nodeOf(record.topology, name);
const isOn = async (): Promise<boolean> => (await poweredProcess(lab, node)) !== undefined;

/** A BMC answers before the machine has booted: another process waits for that. */
function bootLater(): void {
  spawn(process.execPath, [import.meta.filename, lab, name, 'boot'], { detached: true, stdio: 'ignore' }).unref();
}

const request = [verb, ...words].join(' ');
if (existsSync(lieFile(lab, node))) {
  if (request === 'get power') process.stdout.write('power:1\n');
  process.exit();
}
switch (request) {
  case 'get power':
    process.stdout.write(`power:${(await isOn()) ? 1 : 0}\n`);
    break;
  case 'set power 0':
    await switchPower(record, name, 'off');
    break;
  case 'set power 1':
    if (!(await isOn())) bootLater();
    break;
  case 'set reset 1':
    await switchPower(record, name, 'off');
    bootLater();
    break;
  case 'set boot pxe':
    // Nodes of a lab boot from nothing: it is enough that the BMC takes it.
    break;
  case 'boot':
    if (!(await isOn())) await switchPower(record, name, 'on');
    break;
  default:
    process.stderr.write(`the chassis of ${name} cannot do this: ${request}\n`);
    process.exitCode = 1;
}
