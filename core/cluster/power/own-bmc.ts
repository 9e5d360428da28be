/** The BMC of this node as its configuration file tells it, for a node whose document says nothing of one. @module */

import type { Config } from '../../config/schema.ts';
import { defineErrors, errorText, PvcError } from '../../error/error.ts';
import { type FaultBook, faultId } from '../../fault/fault-book.ts';
import type { Host } from '../../host/host.ts';
import { node as nodeKind } from '../../model/node-kind.ts';
import type { Documents } from '../../store/documents.ts';

const ownBmcError = defineErrors({
  BMC_PASSWORD_FILE: {
    message: 'The password of the BMC of {node} cannot be read: there is no file {path}.',
    hint: 'Write it there (one line, for root alone) and restart the daemon, or say it by `pvc node bmc set {node}`.',
    http: 500,
    exit: 'failed',
  },
});

export interface OwnBmcParts {
  readonly host: Pick<Host, 'files'>;
  readonly documents: Documents;
  readonly node: string;
  readonly perform: (operation: string, input: unknown) => Promise<unknown>;
}

/**
 * Describes it once: what was said by a command afterwards is not overruled.
 * @throws PvcError BMC_PASSWORD_FILE, and what `node.bmc-set` refuses
 */
export async function describeOwnBmc(parts: OwnBmcParts, bmc: NonNullable<Config['bmc']>): Promise<void> {
  const { documents, host, node, perform } = parts;
  if ((await documents.need(nodeKind, node)).spec.bmc !== undefined) return;
  const { passwordFile: path, ...rest } = bmc;
  const password = await host.files.readText(path);
  if (password === undefined) throw ownBmcError('BMC_PASSWORD_FILE', { node, path });
  await perform('node.bmc-set', { ...rest, node, password });
}

/** The same; what is wrong becomes a fault of this node, which runs on without it. */
export async function takeBmcOfFile(
  parts: OwnBmcParts & { readonly faults: Pick<FaultBook, 'raise' | 'clear'> },
  bmc: NonNullable<Config['bmc']>,
): Promise<void> {
  const { faults, node } = parts;
  const fault = faultId('bmc-of-file', node);
  try {
    await describeOwnBmc(parts, bmc);
    faults.clear(fault);
  } catch (error) {
    faults.raise(fault, {
      severity: 'warning',
      message: `The BMC that the configuration file names for ${node} was not taken: ${errorText(error)}`,
      hint: error instanceof PvcError ? error.hint : 'It is tried again at the next start of the daemon.',
      object: `node ${node}`,
    });
  }
}
