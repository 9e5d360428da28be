/**
 * Flag bits of the calls that PVC makes. Facts: libvirt-domain.h and libvirt-host.h of libvirt 9.0.
 * @module
 */

export const impact = { current: 0, live: 1, config: 2 } as const;
export const createFlag = { paused: 1, autodestroy: 2, validate: 16 } as const;
export const xmlFlag = { secure: 1, inactive: 2, updateCpu: 4, migratable: 8 } as const;
export const destroyFlag = { graceful: 1 } as const;
export const shutdownFlag = { acpi: 1, agent: 2 } as const;
export const rebootFlag = { acpi: 1, agent: 2 } as const;
export const consoleFlag = { force: 1, safe: 2 } as const;
export const memoryFlag = { maximum: 4 } as const;
export const blockResizeFlag = { bytes: 1 } as const;
export const jobStatsFlag = { completed: 1, keepCompleted: 2 } as const;
export const addressSource = { lease: 0, agent: 1, arp: 2 } as const;

/** virDomainStatsTypes. */
export const statsGroup = { state: 1, cpu: 2, balloon: 4, vcpu: 8, interface: 16, block: 32 } as const;
/** VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT: leave out what a busy guest cannot tell at once, so that one hung QEMU delays nobody. */
export const statsNoWait = 0x2000_0000;

export const migrateFlag = {
  live: 1,
  peerToPeer: 2,
  paused: 32,
  changeProtection: 256,
  unsafe: 512,
  abortOnError: 4096,
  autoConverge: 8192,
  postCopy: 32_768,
  parallel: 131_072,
} as const;
