/**
 * Whether libvirt answers. A start of the daemon and a quick restart of libvirtd are no trouble; silence is.
 * @module
 */
import { errorText, type HealthCheck } from '../../core/plugin/api.ts';
import type { LibvirtLink } from './libvirt-link.ts';

/** libvirtd needs a moment to start; PVC starts it again within a second or two after it died. */
const graceMs = 10_000;
const answerTimeoutMs = 8_000;

/** What the check needs of the link. */
export type CheckedLink = Pick<LibvirtLink, 'connected' | 'awayMs' | 'why' | 'list'>;

export function libvirtHealth(node: string, link: CheckedLink): HealthCheck {
  // Once told, it stays told until libvirt has answered: no clearing while the link is opened anew.
  let told = false;
  return {
    name: 'libvirt',
    summary: 'libvirt answers',
    intervalMs: 5_000,
    timeoutMs: answerTimeoutMs + 2_000,
    async run() {
      let reason = link.why;
      if (link.connected) {
        try {
          await link.list({ timeoutMs: answerTimeoutMs });
          told = false;
          return undefined;
        } catch (error) {
          reason = errorText(error);
        }
      } else if (!told && link.awayMs < graceMs) return undefined;
      told = true;
      return {
        severity: 'critical',
        message: `libvirt does not answer on ${node}; guests run on, but cannot be managed. ${reason}`,
        hint: 'A libvirtd that died is started again by itself; one that hangs (see the log of the service libvirtd) may be killed: guests run on.',
      };
    },
  };
}
