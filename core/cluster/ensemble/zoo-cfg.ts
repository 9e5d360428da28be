/**
 * The files of a ZooKeeper server as PVC runs it. Pure.
 * @module
 */
import { createHash } from 'node:crypto';
import type { EnsembleServer } from '../membership.ts';

export const ports = { client: 2181, quorum: 2888, election: 3888 } as const;

/** Half a second: sessions of six seconds are told of twice a second, and a lost leader is missed after three. */
export const tickMs = 500;

export interface ServerPlan {
  readonly id: number;
  /** Of the cluster's state on this node: the server's data lies below it. */
  readonly state: string;
  readonly log: string;
  /** The servers that it starts with, itself among them. Afterwards ZooKeeper keeps the list itself. */
  readonly servers: readonly EnsembleServer[];
  readonly secret: string;
}

export const directoryOf = (state: string): string => `${state}/zookeeper`;

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** One line of ZooKeeper's dynamic configuration (ZooKeeper Dynamic Reconfiguration Guide, "Specifying the client port"). */
export const memberLine = (server: EnsembleServer): string => {
  const address = bracketed(server.address);
  return `server.${server.id}=${address}:${ports.quorum}:${ports.election}:participant;${address}:${server.clientPort}`;
};

/** The servers of a configuration as `/zookeeper/config` holds it; names of nodes are not in it. */
export function membersOf(text: string): { id: number; address: string; clientPort: number }[] {
  return text.split('\n').flatMap((line) => {
    const [, id, first, , , client] =
      /^server\.(\d+)=(\[[^\]]+\]|[^:]+):(\d+):(\d+)(?::\w+)?;(?:(?:\[[^\]]+\]|[^:]+):)?(\d+)\s*$/.exec(line) ?? [];
    if (id === undefined || first === undefined) return [];
    return [{ id: Number(id), address: first.replace(/^\[(.*)\]$/, '$1'), clientPort: Number(client) }];
  });
}

/** The superuser may change the ensemble; ZooKeeper wants the digest of its password (DigestAuthenticationProvider). */
export const superDigest = (secret: string): string =>
  `super:${createHash('sha1').update(`super:${secret}`).digest('base64')}`;

/** Every file of the server by its path. Secrets are in `java.args` alone, which Java reads by itself. */
export function serverFiles(plan: ServerPlan): { path: string; text: string; mode: number; once?: true }[] {
  const directory = directoryOf(plan.state);
  return [
    {
      path: `${directory}/zoo.cfg`,
      // ZooKeeper writes into it which list of servers is in force: it is made once and then its own.
      once: true,
      mode: 0o600,
      text: [
        '# Written by pvc when this server was made. ZooKeeper changes the last line itself.',
        `tickTime=${tickMs}`,
        '# Ticks until a server has to have caught up, and until one that says nothing is given up.',
        'initLimit=60',
        'syncLimit=6',
        `dataDir=${directory}/data`,
        'maxClientCnxns=0',
        'maxSessionTimeout=60000',
        'autopurge.snapRetainCount=3',
        'autopurge.purgeInterval=1',
        'preAllocSize=4096',
        'snapCount=20000',
        'admin.enableServer=false',
        '4lw.commands.whitelist=srvr,ruok,mntr,conf,cons',
        'standaloneEnabled=false',
        'reconfigEnabled=true',
        `dynamicConfigFile=${directory}/members`,
        '',
      ].join('\n'),
    },
    { path: `${directory}/members`, once: true, mode: 0o600, text: `${plan.servers.map(memberLine).join('\n')}\n` },
    { path: `${directory}/data/myid`, mode: 0o600, text: `${plan.id}\n` },
    {
      path: `${directory}/java.args`,
      mode: 0o600,
      text: [
        '-Xmx512m',
        '-XX:+UseSerialGC',
        '-XX:+ExitOnOutOfMemoryError',
        '-Djava.net.preferIPv4Stack=false',
        '# A directory of many thousand objects must fit into one answer.',
        '-Djute.maxbuffer=8388608',
        `-Dzookeeper.DigestAuthenticationProvider.superDigest=${superDigest(plan.secret)}`,
        `-Dlog4j.configuration=file:${directory}/log4j.properties`,
        '-cp',
        '/usr/share/java/zookeeper.jar:/usr/share/java/*',
        '',
      ].join('\n'),
    },
    {
      path: `${directory}/log4j.properties`,
      mode: 0o600,
      text: [
        'log4j.rootLogger=WARN, file',
        'log4j.appender.file=org.apache.log4j.RollingFileAppender',
        `log4j.appender.file.File=${plan.log}/zookeeper.log`,
        'log4j.appender.file.MaxFileSize=10MB',
        'log4j.appender.file.MaxBackupIndex=3',
        'log4j.appender.file.layout=org.apache.log4j.PatternLayout',
        'log4j.appender.file.layout.ConversionPattern=%d{ISO8601} %-5p %c{1}: %m%n',
        '',
      ].join('\n'),
    },
  ];
}

export const serverArgv = (state: string): [string, ...string[]] => [
  '/usr/bin/java',
  `@${directoryOf(state)}/java.args`,
  'org.apache.zookeeper.server.quorum.QuorumPeerMain',
  `${directoryOf(state)}/zoo.cfg`,
];
