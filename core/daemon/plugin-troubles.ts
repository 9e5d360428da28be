/** A plugin that throws where it was called is told as a fault, until it does its work again. @module */
import { type FaultBook, faultId } from '../fault/fault-book.ts';
import type { Logger } from '../host/log.ts';
import type { Trouble } from '../plugin/tap-guard.ts';
import type { Program } from '../program.ts';

const idOf = ({ plugin, where }: Trouble): string => faultId(`plugin.${where.replace(/\W+/g, '-')}`, plugin);

export function tellOfTrouble(
  plugins: Program['plugins'],
  faults: Pick<FaultBook, 'raise' | 'clear'>,
  log: Pick<Logger, 'warn'>,
): void {
  plugins.onTrouble({
    began(trouble) {
      log.warn(`plugin ${trouble.plugin}, ${trouble.where}: ${trouble.message}`);
      faults.raise(idOf(trouble), {
        severity: 'warning',
        message: `The plugin ${trouble.plugin} has failed (${trouble.where}): ${trouble.message}`,
        hint: `The node works on without it. See \`pvc plugin show ${trouble.plugin}\`.`,
        object: `plugin ${trouble.plugin}`,
      });
    },
    ended: (trouble) => faults.clear(idOf(trouble)),
  });
}
