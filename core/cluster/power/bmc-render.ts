/** How a BMC reads for a person. @module */
import { fields, type RenderContext } from '../../render/format.ts';
import type { DescribedBmc } from './bmc-operations.ts';

export const renderBmc = (bmc: DescribedBmc, context: RenderContext): string =>
  fields(
    [
      ['Node', bmc.node],
      ['Driver', bmc.driver],
      ['Address', bmc.port === undefined ? bmc.address : `${bmc.address}, port ${bmc.port}`],
      ['User', bmc.user],
      ['Password', 'kept, not shown'],
      ...optional('Cipher suite', bmc.cipherSuite),
      ...optional('Privilege', bmc.privilege),
      ...optional('System', bmc.system),
      ...(bmc.driver === 'redfish' ? [['Certificate', bmc.pin ?? 'an authority vouches for it'] as const] : []),
    ],
    context,
  );

const optional = <T>(name: string, value: T | undefined): (readonly [string, T])[] =>
  value === undefined ? [] : [[name, value]];
