/**
 * Makes a domain fit for emulation: what only KVM can do is taken out, with a note each, so that a
 * guest with the accelerator `auto` also runs on a node without KVM.
 * @module
 */
import { child, childrenNamed, descend, elements, isBare, removeChildren, type XmlElement } from './xml.ts';

/** CPU modes that copy the host's processor. */
const hostModes = ['host-passthrough', 'host-model'];

function plainCpu(cpu: XmlElement, notes: string[]): void {
  const mode = cpu.attributes['mode'] ?? '';
  const { check } = cpu.attributes;
  if (!hostModes.includes(mode)) {
    if (check !== 'full' && check !== 'partial') return;
    notes.push(`the CPU is not checked ('${check}'): emulation lacks features of named models`);
    cpu.attributes['check'] = 'none';
    return;
  }
  notes.push(`the CPU mode '${mode}' became 'maximum': emulation cannot copy the host's processor`);
  cpu.attributes = { mode: 'maximum' };
  // Models, features and caches of a host processor mean nothing to the emulated one.
  removeChildren(cpu, ({ name }) => name !== 'topology' && name !== 'numa');
}

/** Features of `<features>` that QEMU has with KVM alone. */
const kvmFeatures = ['hyperv', 'kvm', 'pvspinlock'];
const kvmTimers = ['kvmclock', 'hypervclock'];

export function fitForTcg(root: XmlElement, notes: string[]): void {
  const cpu = child(root, 'cpu');
  if (cpu !== undefined) plainCpu(cpu, notes);
  const features = child(root, 'features');
  if (features !== undefined) {
    const gone = elements(features).filter(
      (element) =>
        kvmFeatures.includes(element.name) || (element.name === 'ioapic' && element.attributes['driver'] === 'kvm'),
    );
    for (const { name } of gone) notes.push(`the feature '${name}' is left out: it exists with KVM only`);
    removeChildren(features, (element) => gone.includes(element));
    if (isBare(features)) removeChildren(root, (element) => element === features);
  }
  const clock = child(root, 'clock');
  const timers = childrenNamed(clock, 'timer').filter(({ attributes }) => kvmTimers.includes(attributes['name'] ?? ''));
  for (const { attributes } of timers)
    notes.push(`the timer '${attributes['name'] ?? ''}' is left out: it exists with KVM only`);
  if (clock !== undefined) removeChildren(clock, (element) => timers.includes(element));
  if (descend(root, 'launchSecurity') !== undefined) {
    notes.push('<launchSecurity> is left out: memory encryption exists with KVM only');
    removeChildren(root, ({ name }) => name === 'launchSecurity');
  }
}
