/**
 * The BMC of a blank server beside a lab: ipmi_sim on the network of the BMCs, whose chassis is asked of this process by a
 * socket, since the server is its own.
 * @module
 */
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { plugBmc } from '../lab/bmc.ts';
import { bmcOf, type NodePlan } from '../lab/topology.ts';
import type { BootMachine } from './boot-machine.ts';
import type { TestLab } from './test-lab.ts';

export interface MachineBmc extends AsyncDisposable {
  readonly address: string;
  readonly user: string;
  readonly password: string;
  /** What was asked of its chassis, but for its state. */
  readonly orders: readonly string[];
}

/** @returns what ipmi_sim hears (ipmi_lan(5), chassis_control) */
async function obey(server: BootMachine, request: string): Promise<string> {
  switch (request) {
    case 'get power':
      return `power:${server.isOn ? 1 : 0}`;
    case 'set power 1':
      await server.on();
      return '';
    case 'set power 0':
      server.off();
      return '';
    case 'set reset 1':
      server.off();
      await server.on();
      return '';
    case 'set boot pxe':
      server.bootFromNetworkOnce();
      return '';
    default:
      return `error: the chassis cannot do this: ${request}`;
  }
}

/** @param number of the server, which tells the BMC's address: none of a node of the lab */
export async function startMachineBmc(
  lab: TestLab,
  server: BootMachine,
  number: number,
  directory: string,
): Promise<MachineBmc> {
  const plan: NodePlan = { name: `m${number}`, number };
  const socket = join(directory, `chassis-${plan.name}`);
  const orders: string[] = [];
  const chassis = createServer((line) => {
    let text = '';
    line.setEncoding('utf8');
    line.on('error', () => line.destroy());
    line.on('data', (piece: string) => {
      text += piece;
      if (!text.endsWith('\n')) return;
      const request = text.trim();
      if (!request.startsWith('get')) orders.push(request);
      void obey(server, request).then(
        (answer) => line.end(answer),
        (error: unknown) => line.end(`error: ${String(error)}`),
      );
    });
  });
  await new Promise<void>((resolve) => chassis.listen(socket, resolve));
  await plugBmc(lab.record.topology, plan, [process.execPath, join(import.meta.dirname, 'chassis.ts'), socket]);
  return {
    ...bmcOf(plan),
    orders,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => chassis.close(() => resolve()));
      await rm(socket, { force: true });
    },
  };
}
