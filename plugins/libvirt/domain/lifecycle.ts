/**
 * What a domain does when its guest powers off, reboots or crashes. Guests of PVC are transient and
 * their restart is decided by PVC, so powering off always ends the domain.
 * @module
 */
import { child, el, removeChildren, textOf, type XmlElement } from './xml.ts';

/** What is rendered when the definition says nothing, which is also what libvirt takes. */
const defaults = { on_poweroff: 'destroy', on_reboot: 'restart', on_crash: 'destroy' } as const;

/** Takes the usual answers out of a definition, and any answer to a power-off. */
export function normalizeLifecycle(root: XmlElement, warnings: string[]): void {
  for (const [name, usual] of Object.entries(defaults)) {
    const value = textOf(child(root, name)).trim();
    if (name === 'on_poweroff' && value !== '' && value !== usual)
      warnings.push(
        `/domain/on_poweroff: '${value}' is dropped; whether a guest that powered off starts again is decided by PVC`,
      );
    if (value === usual || value === '' || name === 'on_poweroff')
      removeChildren(root, (element) => element.name === name);
  }
}

/** Renders all three; what the definition says about reboots and crashes stands. */
export function renderLifecycle(root: XmlElement, notes: string[]): void {
  for (const [name, usual] of Object.entries(defaults)) {
    const present = child(root, name);
    const value = textOf(present).trim();
    if (present === undefined) root.children.push(el(name, {}, usual));
    else if (name === 'on_poweroff' && value !== usual) {
      notes.push(`on_poweroff '${value}' became '${usual}': PVC decides whether the guest starts again`);
      present.children = [{ text: usual }];
    }
  }
}
