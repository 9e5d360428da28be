/** `pvc vm info`: the stored detail, with the figures of the running guest where its node answers. @module */
import { type CliRun, PvcError } from '../../../core/plugin/api.ts';
import type { VmInfo, VmStats } from './query.ts';
import { renderVm, renderVmStats } from './render.ts';

export async function runInfo(context: CliRun): Promise<number> {
  const { client, terminal, input, format } = context;
  if (format !== 'pretty') return context.perform(input);
  const info = (await client.call('vm.info', input)) as VmInfo;
  const lines = [renderVm(info, terminal)];
  if (info.state === 'running' || info.state === 'paused') {
    try {
      lines.push(renderVmStats((await client.call('vm.stats', input)) as VmStats, terminal));
    } catch (error) {
      if (!(error instanceof PvcError)) throw error;
      lines.push(`(no figures of the running guest: ${error.message})`);
    }
  }
  terminal.write(`${lines.join('\n\n')}\n`);
  return 0;
}
