/** Who this node is and where its certificates are. @module */
import type { Config } from '../config/schema.ts';
import { defineErrors } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import { nodeName } from '../model/names.ts';

const identityError = defineErrors({
  NODE_NAME: {
    message: '"{name}" (the host name) cannot be the name of a node: {reason}',
    hint: 'Set node.name in the configuration.',
    http: 500,
    exit: 'usage',
  },
});

/** The configured name, or the short host name. @throws PvcError NODE_NAME */
export async function localNodeName(host: Pick<Host, 'machine'>, config: Config): Promise<string> {
  if (config.node.name !== undefined) return config.node.name;
  const name = ((await host.machine.facts()).hostname.split('.')[0] ?? '').toLowerCase();
  const parsed = nodeName.safeParse(name);
  if (!parsed.success) throw identityError('NODE_NAME', { name, reason: parsed.error.issues[0]?.message ?? '' });
  return parsed.data;
}
