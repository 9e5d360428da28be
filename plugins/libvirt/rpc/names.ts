/**
 * Names for libvirt's numbers: errors, states, reasons, event details. A number that this table does
 * not know (a newer libvirt) is shown as the number, never as a wrong name.
 * Facts: libvirt's public headers virterror.h and libvirt-domain.h, version 9.0.
 * @module
 */

/** virErrorNumber without its prefix; the index is the number. */
// biome-ignore format: a table
export const errorNames: readonly string[] = [
  'OK', 'INTERNAL_ERROR', 'NO_MEMORY', 'NO_SUPPORT', 'UNKNOWN_HOST', 'NO_CONNECT', 'INVALID_CONN', 'INVALID_DOMAIN',
  'INVALID_ARG', 'OPERATION_FAILED', 'GET_FAILED', 'POST_FAILED', 'HTTP_ERROR', 'SEXPR_SERIAL', 'NO_XEN', 'XEN_CALL',
  'OS_TYPE', 'NO_KERNEL', 'NO_ROOT', 'NO_SOURCE', 'NO_TARGET', 'NO_NAME', 'NO_OS', 'NO_DEVICE', 'NO_XENSTORE',
  'DRIVER_FULL', 'CALL_FAILED', 'XML_ERROR', 'DOM_EXIST', 'OPERATION_DENIED', 'OPEN_FAILED', 'READ_FAILED',
  'PARSE_FAILED', 'CONF_SYNTAX', 'WRITE_FAILED', 'XML_DETAIL', 'INVALID_NETWORK', 'NETWORK_EXIST', 'SYSTEM_ERROR',
  'RPC', 'GNUTLS_ERROR', 'WAR_NO_NETWORK', 'NO_DOMAIN', 'NO_NETWORK', 'INVALID_MAC', 'AUTH_FAILED',
  'INVALID_STORAGE_POOL', 'INVALID_STORAGE_VOL', 'WAR_NO_STORAGE', 'NO_STORAGE_POOL', 'NO_STORAGE_VOL', 'WAR_NO_NODE',
  'INVALID_NODE_DEVICE', 'NO_NODE_DEVICE', 'NO_SECURITY_MODEL', 'OPERATION_INVALID', 'WAR_NO_INTERFACE',
  'NO_INTERFACE', 'INVALID_INTERFACE', 'MULTIPLE_INTERFACES', 'WAR_NO_NWFILTER', 'INVALID_NWFILTER', 'NO_NWFILTER',
  'BUILD_FIREWALL', 'WAR_NO_SECRET', 'INVALID_SECRET', 'NO_SECRET', 'CONFIG_UNSUPPORTED', 'OPERATION_TIMEOUT',
  'MIGRATE_PERSIST_FAILED', 'HOOK_SCRIPT_FAILED', 'INVALID_DOMAIN_SNAPSHOT', 'NO_DOMAIN_SNAPSHOT', 'INVALID_STREAM',
  'ARGUMENT_UNSUPPORTED', 'STORAGE_PROBE_FAILED', 'STORAGE_POOL_BUILT', 'SNAPSHOT_REVERT_RISKY', 'OPERATION_ABORTED',
  'AUTH_CANCELLED', 'NO_DOMAIN_METADATA', 'MIGRATE_UNSAFE', 'OVERFLOW', 'BLOCK_COPY_ACTIVE', 'OPERATION_UNSUPPORTED',
  'SSH', 'AGENT_UNRESPONSIVE', 'RESOURCE_BUSY', 'ACCESS_DENIED', 'DBUS_SERVICE', 'STORAGE_VOL_EXIST',
  'CPU_INCOMPATIBLE', 'XML_INVALID_SCHEMA', 'MIGRATE_FINISH_OK', 'AUTH_UNAVAILABLE', 'NO_SERVER', 'NO_CLIENT',
  'AGENT_UNSYNCED', 'LIBSSH', 'DEVICE_MISSING', 'INVALID_NWFILTER_BINDING', 'NO_NWFILTER_BINDING',
  'INVALID_DOMAIN_CHECKPOINT', 'NO_DOMAIN_CHECKPOINT', 'NO_DOMAIN_BACKUP', 'INVALID_NETWORK_PORT',
  'NETWORK_PORT_EXIST', 'NO_NETWORK_PORT', 'NO_HOSTNAME', 'CHECKPOINT_INCONSISTENT', 'MULTIPLE_DOMAINS',
];

/** virErrorDomain: the part of libvirt that reports an error. */
// biome-ignore format: a table
export const errorDomainNames: readonly string[] = [
  'NONE', 'XEN', 'XEND', 'XENSTORE', 'SEXPR', 'XML', 'DOM', 'RPC', 'PROXY', 'CONF', 'QEMU', 'NET', 'TEST', 'REMOTE',
  'OPENVZ', 'XENXM', 'STATS_LINUX', 'LXC', 'STORAGE', 'NETWORK', 'DOMAIN', 'UML', 'NODEDEV', 'XEN_INOTIFY',
  'SECURITY', 'VBOX', 'INTERFACE', 'ONE', 'ESX', 'PHYP', 'SECRET', 'CPU', 'XENAPI', 'NWFILTER', 'HOOK',
  'DOMAIN_SNAPSHOT', 'AUDIT', 'SYSINFO', 'STREAMS', 'VMWARE', 'EVENT', 'LIBXL', 'LOCKING', 'HYPERV', 'CAPABILITIES',
  'URI', 'AUTH', 'DBUS', 'PARALLELS', 'DEVICE', 'SSH', 'LOCKSPACE', 'INITCTL', 'IDENTITY', 'CGROUP', 'ACCESS',
  'SYSTEMD', 'BHYVE', 'CRYPTO', 'FIREWALL', 'POLKIT', 'THREAD', 'ADMIN', 'LOGGING', 'XENXL', 'PERF', 'LIBSSH',
  'RESCTRL', 'FIREWALLD', 'DOMAIN_CHECKPOINT', 'TPM', 'BPF', 'CH',
];

/** virDomainState, in the order of its numbers. */
export const domainStates = [
  'no-state',
  'running',
  'blocked',
  'paused',
  'shutting-down',
  'shut-off',
  'crashed',
  'pm-suspended',
] as const;
export type DomainState = (typeof domainStates)[number];

/** Why a domain is in its state: virDomainRunningReason and its sisters. */
export const stateReasons: Readonly<Record<DomainState, readonly string[]>> = {
  'no-state': ['unknown'],
  running: [
    'unknown',
    'booted',
    'migrated',
    'restored',
    'from-snapshot',
    'unpaused',
    'migration-canceled',
    'save-canceled',
    'wakeup',
    'crashed',
    'postcopy',
    'postcopy-failed',
  ],
  blocked: ['unknown'],
  paused: [
    'unknown',
    'user',
    'migration',
    'save',
    'dump',
    'ioerror',
    'watchdog',
    'from-snapshot',
    'shutting-down',
    'snapshot',
    'crashed',
    'starting-up',
    'postcopy',
    'postcopy-failed',
  ],
  'shutting-down': ['unknown', 'user'],
  'shut-off': ['unknown', 'shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from-snapshot', 'daemon'],
  crashed: ['unknown', 'panicked'],
  'pm-suspended': ['unknown'],
};

/** virDomainEventType, in the order of its numbers. */
export const lifecycleEvents = [
  'defined',
  'undefined',
  'started',
  'suspended',
  'resumed',
  'stopped',
  'shutdown',
  'pm-suspended',
  'crashed',
] as const;
export type LifecycleEvent = (typeof lifecycleEvents)[number];

/** What brought a lifecycle event about: virDomainEventStoppedDetailType and its sisters. */
export const lifecycleDetails: Readonly<Record<LifecycleEvent, readonly string[]>> = {
  defined: ['added', 'updated', 'renamed', 'from-snapshot'],
  undefined: ['removed', 'renamed'],
  started: ['booted', 'migrated', 'restored', 'from-snapshot', 'wakeup'],
  suspended: [
    'paused',
    'migrated',
    'ioerror',
    'watchdog',
    'restored',
    'from-snapshot',
    'api-error',
    'postcopy',
    'postcopy-failed',
  ],
  resumed: ['unpaused', 'migrated', 'from-snapshot', 'postcopy', 'postcopy-failed'],
  stopped: ['shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from-snapshot'],
  shutdown: ['finished', 'guest', 'host'],
  'pm-suspended': ['memory', 'disk'],
  crashed: ['panicked', 'crashloaded'],
};

/** What the watchdog did: virDomainEventWatchdogAction. */
export const watchdogActions: readonly string[] = [
  'none',
  'pause',
  'reset',
  'poweroff',
  'shutdown',
  'debug',
  'injectnmi',
];

/** What libvirt did on an I/O error: virDomainEventIOErrorAction. */
export const ioErrorActions: readonly string[] = ['none', 'pause', 'report'];

/** virDomainJobType. */
export const jobTypes: readonly string[] = ['none', 'bounded', 'unbounded', 'completed', 'failed', 'cancelled'];

/** virDomainJobOperation. */
export const jobOperations: readonly string[] = [
  'unknown',
  'start',
  'save',
  'restore',
  'migration-in',
  'migration-out',
  'snapshot',
  'snapshot-revert',
  'dump',
  'backup',
  'snapshot-delete',
];

/** virVcpuState. */
export const vcpuStates: readonly string[] = ['offline', 'running', 'blocked'];

/** virDomainMemoryStatTags: what a value of the memory statistics means; KiB where it is a size. */
export const memoryStatTags: readonly string[] = [
  'swap-in',
  'swap-out',
  'major-fault',
  'minor-fault',
  'unused',
  'available',
  'actual-balloon',
  'rss',
  'usable',
  'last-update',
  'disk-caches',
  'hugetlb-pgalloc',
  'hugetlb-pgfail',
];

/** The name at `index`, or the number itself when the table ends before it. */
export function nameOf<T extends string>(names: readonly T[], index: number): T | `${number}` {
  return names[index] ?? `${index}`;
}
