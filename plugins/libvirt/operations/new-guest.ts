/** A guest that comes into being, whatever it is made of. @module */
import { modelError, type PlanBuilder, type PlanContext } from '../../../core/plugin/api.ts';
import type { DefinedVm } from '../domain/define.ts';
import { assignMacs } from '../domain/mac.ts';
import type { VmDoc } from '../guest-control.ts';
import type { VmSpec } from '../schema.ts';
import { vm } from '../vm-kind.ts';
import { type Places, placeNew, placesOf } from './common.ts';

/** What of a guest its XML does not say. */
export type GuestRest = Pick<
  VmSpec,
  'run' | 'autostart' | 'priority' | 'tags' | 'protected' | 'limit' | 'selector' | 'migration' | 'shutdown' | 'restart'
>;

/**
 * Completes a definition to a document and plans its creation.
 * @param wanted the node that it is for; chosen by its selector unless given
 * @param places of a plan that places several
 * @throws PvcError OBJECT_EXISTS (name, UUID, MAC address), VM_NO_NODE
 */
export async function planGuest(
  plan: PlanBuilder,
  context: PlanContext,
  defined: DefinedVm,
  rest: GuestRest,
  wanted: string | undefined,
  places?: Places,
): Promise<VmDoc> {
  const { view } = context;
  const among = places ?? (await placesOf(context));
  for (const warning of defined.warnings) plan.warn(warning);
  const { name, memoryMiB, vcpus } = defined.fields;
  const holder = await view.find(vm, 'name', name);
  if (holder !== undefined)
    throw modelError('OBJECT_EXISTS', { kind: 'vm', field: 'name', value: name, owner: ` (${holder.id})` });
  const id = defined.uuid ?? context.uuid();
  const same = await view.get(vm, id);
  if (same !== undefined)
    throw modelError('OBJECT_EXISTS', { kind: 'vm', field: 'UUID', value: id, owner: ` (${same.spec.name})` });
  const fields = assignMacs(defined.fields, {
    randomBytes: (length) => context.bytes(length),
    taken: (mac) => among.macs.has(mac),
  });
  for (const nic of fields.nics) {
    if (among.macs.has(nic.mac))
      throw modelError('OBJECT_EXISTS', { kind: 'vm', field: 'MAC address', value: nic.mac, owner: '' });
  }
  for (const { mac } of fields.nics) among.macs.add(mac);
  const wish = { name, memoryMiB, vcpus, nics: fields.nics, selector: rest.selector, limit: rest.limit };
  const place = await placeNew(context, wish, wanted, plan, among);
  for (const warning of place.warnings) plan.warn(warning);
  const { topology: shape, ...others } = fields;
  const spec: VmSpec = { ...others, ...(shape === undefined ? {} : { topology: shape }), ...rest, node: place.node };
  plan.create(vm, id, spec);
  plan.act(`define the guest ${name} on ${place.node}`);
  return { id, spec, specVersion: 0, birth: '', status: undefined, statusVersion: undefined };
}
