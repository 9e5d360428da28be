/** What a guest is built with: the script as it was when the guest was planned, and what it is told. @module */
import { names, type PlanBuilder, type View, z } from '../../../../core/plugin/api.ts';
import { provisionError } from '../provision-errors.ts';
import type { TemplateDisk } from '../storage-template.ts';
import { type ScriptArguments, scriptArguments } from './arguments.ts';
import { buildDisk } from './build-disk.ts';
import { script as scriptKind, scriptSpec } from './script-kind.ts';

export const buildPlan = z.strictObject({
  script: scriptSpec.pick({ name: true, text: true, network: true, timeoutS: true }),
  profile: names.objectName,
  arguments: scriptArguments,
  disks: z.array(buildDisk),
});
export type BuildPlan = z.output<typeof buildPlan>;

interface OfProfile {
  readonly name: string;
  readonly script: string | null;
  readonly arguments: ScriptArguments;
}

/**
 * The same for all guests of a command, which is planned anew when the script changes in the same moment.
 * @param told what the command says besides the profile
 * @param disks of the storage template
 * @returns undefined: the profile has no script
 * @throws PvcError PROVISION_UNFIT, OBJECT_NOT_FOUND
 */
export async function planBuild(
  plan: PlanBuilder,
  view: View,
  profile: OfProfile,
  told: ScriptArguments,
  disks: readonly TemplateDisk[],
): Promise<Omit<BuildPlan, 'disks'> | undefined> {
  const unfit = (reason: string) => provisionError('PROVISION_UNFIT', { profile: profile.name, reason });
  if (profile.script === null) {
    const [first] = Object.keys(told);
    if (first !== undefined) throw unfit(`the argument ${first} is for a build script, and it has none`);
    if (disks.some(({ mountpoint }) => mountpoint === '/'))
      throw unfit('its storage template has an empty disk at /, and no build script fills it');
    return undefined;
  }
  const doc = await view.need(scriptKind, profile.script);
  plan.unchanged(scriptKind, doc);
  const { name, text, network, timeoutS, needs } = doc.spec;
  const given = { ...profile.arguments, ...told };
  const missing = needs.filter((one) => (given[one] ?? '') === '');
  if (missing.length > 0)
    throw unfit(`its build script ${name} needs ${missing.join(', ')} (--script-arg ${missing[0]}=VALUE)`);
  const { success } = scriptArguments.safeParse(given);
  if (!success) throw unfit(`its build script ${name} is told too much`);
  return { script: { name, text, network, timeoutS }, profile: profile.name, arguments: given };
}
