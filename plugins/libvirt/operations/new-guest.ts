/** A guest that comes into being, whatever it is made of. @module */
import { modelError, type PlanBuilder, type PlanContext } from '../../../core/plugin/api.ts';
import { bookingsOf } from '../booking.ts';
import type { DefinedVm } from '../domain/define.ts';
import { definedMacs } from '../domain/define-devices.ts';
import { assignMacs } from '../domain/mac.ts';
import { child, parseXml } from '../domain/xml.ts';
import type { VmDoc } from '../guest-control.ts';
import type { VmSpec } from '../schema.ts';
import { vm } from '../vm-kind.ts';
import { placeNew } from './common.ts';

/** What of a guest its XML does not say. */
export type GuestRest = Pick<
  VmSpec,
  'run' | 'autostart' | 'priority' | 'tags' | 'protected' | 'limit' | 'selector' | 'migration' | 'shutdown' | 'restart'
>;

/** MAC addresses that guests have. */
export async function takenMacs({ view }: Pick<PlanContext, 'view'>): Promise<Set<string>> {
  const guests = await view.list(vm);
  return new Set(
    guests.flatMap(({ spec }) => [
      ...spec.nics.map((nic) => nic.mac),
      ...definedMacs(child(parseXml(spec.definition), 'devices')),
    ]),
  );
}

/**
 * Completes a definition to a document and plans its creation.
 * @param wanted the node that it is for; chosen by its selector unless given
 * @throws PvcError OBJECT_EXISTS (name, UUID, MAC address), VM_NO_NODE
 */
export async function planGuest(
  plan: PlanBuilder,
  context: PlanContext,
  defined: DefinedVm,
  rest: GuestRest,
  wanted: string | undefined,
): Promise<VmDoc> {
  const { view } = context;
  // Before the guests are looked at, below for the first time.
  await bookingsOf(view);
  for (const warning of defined.warnings) plan.warn(warning);
  const { name, memoryMiB, vcpus } = defined.fields;
  const holder = await view.find(vm, 'name', name);
  if (holder !== undefined)
    throw modelError('OBJECT_EXISTS', { kind: 'vm', field: 'name', value: name, owner: ` (${holder.id})` });
  const id = defined.uuid ?? context.uuid();
  const same = await view.get(vm, id);
  if (same !== undefined)
    throw modelError('OBJECT_EXISTS', { kind: 'vm', field: 'UUID', value: id, owner: ` (${same.spec.name})` });
  const taken = await takenMacs(context);
  const fields = assignMacs(defined.fields, {
    randomBytes: (length) => context.bytes(length),
    taken: (mac) => taken.has(mac),
  });
  for (const nic of fields.nics) {
    if (taken.has(nic.mac))
      throw modelError('OBJECT_EXISTS', { kind: 'vm', field: 'MAC address', value: nic.mac, owner: '' });
  }
  const wish = { name, memoryMiB, vcpus, nics: fields.nics, selector: rest.selector, limit: rest.limit };
  const place = await placeNew(context, wish, wanted, plan);
  for (const warning of place.warnings) plan.warn(warning);
  const { topology: shape, ...others } = fields;
  const spec: VmSpec = { ...others, ...(shape === undefined ? {} : { topology: shape }), ...rest, node: place.node };
  plan.create(vm, id, spec);
  plan.act(`define the guest ${name} on ${place.node}`);
  return { id, spec, specVersion: 0, birth: '', status: undefined, statusVersion: undefined };
}
