/** Names in the networks: told by PowerDNS, wherever the primary is and whatever becomes of PowerDNS. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { parse, stringify } from 'yaml';
import { daemonPid } from './node-process.ts';
import { TestGuest } from './test-guest.ts';
import { suiteLab } from './test-lab.ts';

const floating = '10.10.0.10';
/** A name server of somebody else, on hv2. */
const secondary = '10.10.0.53';
const outsideOf = (node: string): string => `10.10.2.${10 + Number(node.slice(2))}`;
const local = ['-p', '5300', '@127.0.0.1'];
const database = '/var/lib/powerdns/pvc.sqlite3';
/** Of a machine that has much else to do. */
const patience = { timeoutMs: 90_000 };

interface Question {
  readonly from: string;
  /** Address and more words for dig; default: the floating address. */
  readonly at?: readonly string[];
}

describe('names in the networks', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  const run = async (...args: string[]) => (await lab().pvc('hv1', [...args, '--yes'])).ok();
  const dig = async ({ from, at = [`@${floating}`] }: Question, ...words: string[]) =>
    (await lab().exec(from, ['dig', '+tries=1', '+time=2', ...at, ...words], { accept: 'any' })).stdout;
  /** What a question is answered with, a line for each record. */
  const ask = async (question: Question, ...words: string[]) =>
    (await dig(question, '+short', ...words))
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(';'))
      .toSorted();
  const comes = (question: Question, words: readonly string[], wanted: readonly string[]) =>
    lab().waitFor(
      `${words.join(' ')} to be ${wanted.join(' ') || 'nothing'}, asked from ${question.from}`,
      async () => {
        const said = await dig(question, ...words);
        return /status: (NOERROR|NXDOMAIN)/.test(said) && String(await ask(question, ...words)) === String(wanted);
      },
      patience,
    );
  const serial = async (question: Question): Promise<number> =>
    Number((await ask(question, 'office.example', 'SOA'))[0]?.split(' ')[2] ?? 'NaN');
  /** Names may be newer than their serial for a moment, where the node is not primary. */
  const grows = (was: number, question: Question = { from: 'hv2' }) =>
    lab().waitFor('a greater serial', async () => (await serial(question)) > was, patience);
  const same = (one: Question, other: Question) =>
    lab().waitFor('the same serial', async () => (await serial(one)) === (await serial(other)), patience);
  /** Does something, and waits until the node itself answers again. @returns seconds in between */
  const mended = async (node: string, act: () => Promise<unknown>): Promise<number> => {
    const startMs = performance.now();
    await act();
    await comes({ from: node, at: local }, ['www.office.example', 'A'], ['10.20.0.10']);
    return (performance.now() - startMs) / 1000;
  };

  before(async () => {
    for (const node of lab().nodes) {
      const path = '/etc/pvc/pvc.yaml';
      const config = (parse(await lab().readFile(node, path)) ?? {}) as { plugins?: object };
      const powerdns = { addresses: [outsideOf(node)], secondaries: [secondary] };
      await lab().writeFile(node, path, stringify({ ...config, plugins: { ...config.plugins, powerdns } }));
      await lab().daemon(node, 'restart');
      await lab().waitFor(
        `${node} to answer`,
        async () => (await lab().pvc(node, ['network', 'list'])).code === 0,
        patience,
      );
    }
    await lab().waitFor('a primary', async () => lab().primary('hv1'), patience);
    await run(
      ...['network', 'add', 'office', '--ipv4', '10.20.0.0/24', '--gateway4', 'first'],
      ...['--ipv6', 'fd20::/64', '--gateway6', 'first', '--domain', 'office.example'],
    );
  });

  it('are told for what PVC itself has, on every coordinator and outside', async () => {
    for (const node of lab().nodes) {
      await comes({ from: node }, ['gateway.office.example', 'A'], ['10.20.0.1']);
      await comes({ from: node, at: local }, ['gateway.office.example', 'AAAA'], ['fd20::1']);
    }
    for (const node of lab().nodes)
      await comes({ from: 'outside', at: [`@${outsideOf(node)}`] }, ['-x', '10.20.0.1'], ['gateway.office.example.']);
    await comes({ from: 'hv2' }, ['-x', 'fd20::1'], ['gateway.office.example.']);
    assert.deepEqual(await ask({ from: 'hv2' }, 'office.example', 'NS'), ['ns.office.example.']);
    assert.deepEqual(await ask({ from: 'hv2' }, 'ns.office.example', 'A'), [floating]);
    assert.match((await ask({ from: 'hv2' }, '0.20.10.in-addr.arpa', 'SOA'))[0] ?? '', /^ns\.office\.example\. /);
  });

  it('come and go as they are entered, in every type, forward and reverse', async (t: TestContext) => {
    const startMs = performance.now();
    await run('network', 'dns', 'add', 'office', 'www', 'A', '10.20.0.10');
    const enteredMs = performance.now();
    await comes({ from: 'outside', at: [`@${outsideOf('hv1')}`] }, ['www.office.example', 'A'], ['10.20.0.10']);
    t.diagnostic(
      `answered ${(performance.now() - enteredMs).toFixed(0)} ms after the command, which took ${(enteredMs - startMs).toFixed(0)} ms`,
    );
    await comes({ from: 'hv3' }, ['-x', '10.20.0.10'], ['www.office.example.']);
    for (const [name, type, content, ...more] of [
      ['www6', 'AAAA', 'fd20:0::0010'],
      ['alias', 'CNAME', 'www', '--ttl', '60'],
      ['@', 'MX', '10 mail.example.com.'],
      ['@', 'TXT', 'v=spf1 "mx" \\ -all'],
      ['_sip._tcp', 'SRV', '10 20 5060 www'],
      ['*.apps', 'A', '10.20.0.10'],
    ] as const)
      await run('network', 'dns', 'add', 'office', name, type, content, ...more);
    for (const [words, wanted] of [
      [['www6.office.example', 'AAAA'], ['fd20::10']],
      [
        ['alias.office.example', 'A'],
        ['10.20.0.10', 'www.office.example.'],
      ],
      [['office.example', 'MX'], ['10 mail.example.com.']],
      [['office.example', 'TXT'], ['"v=spf1 \\"mx\\" \\\\ -all"']],
      [['_sip._tcp.office.example', 'SRV'], ['10 20 5060 www.office.example.']],
      [['any.apps.office.example', 'A'], ['10.20.0.10']],
      [['-x', 'fd20::10'], ['www6.office.example.']],
    ] as const)
      await comes({ from: 'hv2' }, words, wanted);
    const was = await serial({ from: 'hv2' });
    await run('network', 'dns', 'remove', 'office', 'www6', 'AAAA');
    await comes({ from: 'hv2' }, ['www6.office.example', 'AAAA'], []);
    await comes({ from: 'hv2' }, ['-x', 'fd20::10'], []);
    await grows(was);
    assert.match(await dig({ from: 'hv2' }, 'nobody.office.example'), /status: NXDOMAIN/);
    assert.match(await dig({ from: 'hv2' }, 'example.org'), /status: REFUSED/);
    const rows = await lab().ask('hv3', 'network.dns-list', { network: 'office' });
    assert.deepEqual(
      rows.filter(({ name, type }) => type === 'A' && name.startsWith('w')).map((row) => [row.content, row.source]),
      [['10.20.0.10', 'manual']],
    );
  });

  it('are refused when they cannot be, and nothing changes', async () => {
    await run('network', 'add', 'bare');
    const listed = await lab().ask('hv1', 'network.dns-list', {});
    for (const [args, code, text] of [
      [['add', 'nope', 'x', 'A', '10.20.0.11'], 3, /no network nope/],
      [['add', 'bare', 'x', 'A', '10.20.0.11'], 4, /bare has no domain.*--domain/],
      [['add', 'office', '-x', 'A', '10.20.0.11'], 2, /./],
      [['add', 'office', 'a..b', 'A', '10.20.0.11'], 2, /a name is/],
      [['add', 'office', 'x;y', 'A', '10.20.0.11'], 2, /a name is/],
      [['add', 'office', 'x', 'A', '999.1.1.1'], 2, /cannot hold 999.1.1.1: it is an IPv4 address/],
      [['add', 'office', 'x', 'A', 'fd20::1'], 2, /it is an IPv4 address/],
      [['add', 'office', 'x', 'AAAA', '10.20.0.1'], 2, /it is an IPv6 address/],
      [['add', 'office', 'x', 'MX', 'mail'], 2, /a preference and a name/],
      [['add', 'office', 'x', 'SRV', '1 2 99999 www'], 2, /it is a priority/],
      [['add', 'office', 'x', 'PTR', 'www'], 2, /type/i],
      [['add', 'office', 'x', 'A', '10.20.0.11', '--ttl', '0'], 2, /ttl/i],
      [['add', 'office', 'www', 'A', '10.20.0.10'], 5, /already a record www.office.example A/],
      [['add', 'office', 'www', 'CNAME', 'mail'], 5, /has the A record 10.20.0.10.*stands alone/],
      [['add', 'office', 'alias', 'A', '10.20.0.11'], 5, /has the CNAME record www/],
      [['add', 'office', '@', 'CNAME', 'www'], 5, /cannot have a CNAME/],
      [['add', 'office', 'gateway', 'CNAME', 'www'], 5, /a name of PVC itself/],
      [['remove', 'office', 'gateway', 'A'], 3, /no such record.*Only manual/],
      [['list', 'nope'], 3, /no network nope/],
    ] as const) {
      const answer = await lab().pvc('hv1', ['network', 'dns', ...args, '--yes']);
      const said = answer.stderr.replace(/\s+/g, ' ');
      assert.deepEqual([answer.code, text.test(said)], [code, true], `${args.join(' ')}: ${said}`);
    }
    assert.deepEqual(await lab().ask('hv1', 'network.dns-list', {}), listed);
    const removal = await lab().pvc('hv1', ['network', 'remove', 'office', '--yes']);
    assert.equal(removal.code, 4, removal.stderr);
    await run('network', 'remove', 'bare');
  });

  it('follow reservations and leases, unless somebody entered the same name', async (t: TestContext) => {
    await run('network', 'dhcp', 'enable', 'office', '--range', '10.20.0.100-10.20.0.199');
    await run('network', 'dhcp', 'add', 'office', '52:54:00:70:76:d1', '10.20.0.50', '--hostname', 'kept');
    await comes({ from: 'hv2' }, ['kept.office.example', 'A'], ['10.20.0.50']);
    await comes({ from: 'hv2' }, ['-x', '10.20.0.50'], ['kept.office.example.']);
    await run('network', 'dns', 'add', 'office', 'kept', 'A', '10.20.0.51');
    await comes({ from: 'hv2' }, ['kept.office.example', 'A'], ['10.20.0.51']);
    const kept = (await lab().ask('hv1', 'network.dns-list', { network: 'office' })).filter(
      ({ name, type }) => name === 'kept.office.example' && type === 'A',
    );
    assert.deepEqual(kept.map(({ content, source, hidden }) => [content, source, hidden]).toSorted(), [
      ['10.20.0.50', 'reservation', 'a manual record'],
      ['10.20.0.51', 'manual', null],
    ]);
    await run('network', 'dns', 'remove', 'office', 'kept', 'A');
    await comes({ from: 'hv2' }, ['kept.office.example', 'A'], ['10.20.0.50']);
    await run('network', 'dhcp', 'remove', 'office', '52:54:00:70:76:d1');
    await comes({ from: 'hv2' }, ['kept.office.example', 'A'], []);

    const guest = await TestGuest.create(lab(), 'un_named', {
      args: ['--node', 'hv2', '--nic', 'network=office', '--start'],
    });
    const leased = async () => (await lab().ask('hv1', 'network.dhcp-list', { network: 'office' }))[0];
    await lab().waitFor('a lease', leased, { timeoutMs: 120_000 });
    // Its name is no host name, and its own client told none: this one does, and stops without giving the address back.
    await guest.shell(
      'kill $(cat /run/nic/eth0); udhcpc -q -n -f -t 20 -T 1 -i eth0 -x hostname:Web-7 -s /usr/share/udhcpc/script',
    );
    const startMs = performance.now();
    const lease = await lab().waitFor('a lease with its name', async () => {
      const found = await leased();
      return found?.hostname?.toLowerCase() === 'web-7' && found;
    });
    await comes({ from: 'hv3' }, ['web-7.office.example', 'A'], [lease.address]);
    t.diagnostic(`a lease’s name is told ${(performance.now() - startMs).toFixed(0)} ms after the guest had it`);
    await comes({ from: 'hv3' }, ['-x', lease.address], ['web-7.office.example.']);
    for (const [name, address] of [
      ['web-7', lease.address],
      ['www', '10.20.0.10'],
    ] as const)
      assert.ok((await guest.shell(`nslookup ${name}.office.example 10.20.0.1`)).includes(address));
    await run('vm', 'stop', 'un_named');
    await run('vm', 'undefine', 'un_named');
    await run('network', 'dhcp', 'disable', 'office');
    await comes({ from: 'hv3' }, ['web-7.office.example', 'A'], []);
  });

  it('are handed to whom they may be, and to nobody else', async (t: TestContext) => {
    const link = (await lab().exec('hv2', ['ip', '-o', 'address', 'show', 'to', '10.10.0.12'])).stdout.split(/\s+/)[1];
    await lab().exec('hv2', ['ip', 'address', 'add', `${secondary}/24`, 'dev', String(link)]);
    const transfer = ['office.example', 'AXFR'];
    assert.match(await dig({ from: 'hv3' }, ...transfer), /Transfer failed/);
    assert.match(await dig({ from: 'outside', at: [`@${outsideOf('hv1')}`] }, ...transfer), /Transfer failed/);
    assert.match(await dig({ from: 'hv2', at: [`@${floating}`, '-b', secondary] }, ...transfer), /alias\.office/);
    const conf = [
      ...['launch=gsqlite3', 'gsqlite3-database=/root/secondary/zones.sqlite3', 'gsqlite3-dnssec=yes'],
      ...[
        'socket-dir=/root/secondary',
        `local-address=${secondary}`,
        `query-local-address=${secondary}`,
        'secondary=yes',
        'security-poll-suffix=',
      ],
      'cache-ttl=0',
    ];
    await lab().exec('hv2', ['mkdir', '-p', '/root/secondary']);
    await lab().writeFile('hv2', '/root/secondary/pdns.conf', `${conf.join('\n')}\n`);
    const schema = '/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql';
    await lab().exec('hv2', ['sh', '-c', `sqlite3 /root/secondary/zones.sqlite3 < ${schema}`]);
    await lab().exec('hv2', [
      'pdnsutil',
      '--config-dir=/root/secondary',
      'create-slave-zone',
      'office.example',
      floating,
    ]);
    await lab().exec('hv2', [
      ...['sh', '-c', 'setsid "$@" > /root/secondary/log 2>&1 < /dev/null &', 'sh', 'pdns_server'],
      ...['--config-dir=/root/secondary', '--daemon=no', '--guardian=no', '--write-pid=no', '--disable-syslog'],
    ]);
    const of = { from: 'hv3', at: [`@${secondary}`] };
    await comes(of, ['www.office.example', 'A'], ['10.20.0.10']);
    const startMs = performance.now();
    await run('network', 'dns', 'add', 'office', 'told', 'A', '10.20.0.20');
    await comes(of, ['told.office.example', 'A'], ['10.20.0.20']);
    t.diagnostic(`a secondary had a new name ${(performance.now() - startMs).toFixed(0)} ms after it was asked for`);
    await same(of, { from: 'hv3' });
  });

  it('are signed when asked, the same everywhere, also from a database that was made anew', async (t: TestContext) => {
    await run('network', 'dns', 'sign', 'office', '--reverse');
    const keys = await lab().ask('hv1', 'network.dns-keys', { network: 'office' });
    assert.deepEqual(
      keys.map(({ zone }) => zone).filter((zone) => !zone.endsWith('ip6.arpa')),
      ['0.20.10.in-addr.arpa', 'office.example'],
    );
    const anchors = keys
      .map(({ ds }) => ds.split(' '))
      .map(([zone, , , tag, algorithm, type, digest]) => `${zone} static-ds ${tag} ${algorithm} ${type} "${digest}";`);
    for (const node of lab().nodes)
      await lab().writeFile(node, '/root/anchors', `trust-anchors {\n${anchors.join('\n')}\n};\n`);
    const checked = async (node: string, at: readonly string[], zone: string, ...words: string[]) =>
      (
        await lab().exec(node, ['delv', ...at, '-a', '/root/anchors', `+root=${zone}`, ...words], {
          accept: 'any',
        })
      ).stdout;
    const validates = (node: string, at: readonly string[]) =>
      Promise.all(
        (
          [
            ['office.example', 'www.office.example', 'A', /^; fully validated/m],
            ['office.example', 'any.apps.office.example', 'A', /^; fully validated/m],
            ['office.example', 'nobody.office.example', 'A', /^; negative response, fully validated/m],
            ['office.example', 'www.office.example', 'AAAA', /^; negative response, fully validated/m],
            ['0.20.10.in-addr.arpa', '10.0.20.10.in-addr.arpa', 'PTR', /^; fully validated/m],
          ] as const
        ).map(([zone, name, type, wanted]) =>
          lab().waitFor(
            `${name} ${type} of ${node}, ${at.join(' ')}, to be proved`,
            async () => wanted.test(await checked(node, at, zone, name, type)),
            patience,
          ),
        ),
      );
    const startMs = performance.now();
    for (const node of lab().nodes) await validates(node, local);
    t.diagnostic(`signed, and proved on all, ${(performance.now() - startMs).toFixed(0)} ms after the command`);
    await lab().waitFor(
      'the secondary to have signatures',
      async () =>
        /^; fully validated/m.test(
          await checked('hv3', [`@${secondary}`], 'office.example', 'told.office.example', 'A'),
        ),
      patience,
    );
    const modeOf = async () =>
      (await lab().exec('hv3', ['stat', '-c', '%a', database], { accept: 'any' })).stdout.trim();
    assert.equal(await modeOf(), '600');
    const inode = async () =>
      (await lab().exec('hv3', ['stat', '-c', '%i', database], { accept: 'any' })).stdout.trim();
    const was = await inode();
    await lab().exec('hv3', ['sh', '-c', `rm ${database}*`]);
    await lab().waitFor('another database', async () => !['', was].includes(await inode()), patience);
    await validates('hv3', local);
    assert.equal(await modeOf(), '600');
    for (const [args, code, text] of [
      [['sign', 'office'], 5, /office.example is signed already/],
      [['sign', 'nope'], 3, /no network nope/],
      [['unsign', 'office', '--key', '70000'], 2, /key/],
    ] as const) {
      const answer = await lab().pvc('hv1', ['network', 'dns', ...args, '--yes']);
      assert.deepEqual([answer.code, text.test(answer.stderr.replace(/\s+/g, ' '))], [code, true], answer.stderr);
    }
  });

  it('are told on when another node becomes primary, with the same serials', async (t: TestContext) => {
    const was = await serial({ from: 'hv2' });
    const first = await lab().primary('hv2');
    const startMs = performance.now();
    let [lastMs, worstMs, over] = [startMs, 0, false];
    const watching = (async () => {
      while (!over) {
        if ((await ask({ from: 'hv2' }, '+time=1', 'www.office.example', 'A')).length === 0) continue;
        worstMs = Math.max(worstMs, performance.now() - lastMs);
        lastMs = performance.now();
      }
    })();
    await run('node', 'secondary', String(first));
    await lab().waitFor(
      'another primary',
      async () => ![undefined, first].includes(await lab().primary('hv2')),
      patience,
    );
    await comes({ from: 'hv2' }, ['www.office.example', 'A'], ['10.20.0.10']);
    over = true;
    await watching;
    t.diagnostic(`at most ${worstMs.toFixed(0)} ms between two answers at the floating address`);
    assert.ok((await serial({ from: 'hv2' })) >= was);
    await run('network', 'dns', 'add', 'office', 'after', 'A', '10.20.0.30');
    await comes({ from: 'hv2' }, ['after.office.example', 'A'], ['10.20.0.30']);
    await grows(was);
  });

  it('come again by themselves when PowerDNS dies, and when its database is gone or damaged', async (t: TestContext) => {
    const was = await daemonPid(lab(), 'hv3', 'pdns_server');
    const killedS = await mended('hv3', async () => {
      process.kill(was, 'SIGKILL');
      await lab().waitFor(
        'another PowerDNS',
        async () => (await daemonPid(lab(), 'hv3', 'pdns_server').catch(() => was)) !== was,
        patience,
      );
    });
    t.diagnostic(`killed: answers again after ${killedS.toFixed(1)} s`);
    const inode = async () =>
      (await lab().exec('hv3', ['stat', '-c', '%i', database], { accept: 'any' })).stdout.trim();
    const replaced = (before: string) =>
      lab().waitFor('another database', async () => !['', before].includes(await inode()), patience);
    for (const [what, script] of [
      ['deleted', `rm ${database}*`],
      ['filled with rubbish', `head -c 100000 /dev/urandom >${database}`],
      ['emptied', `truncate -s 0 ${database}`],
    ] as const) {
      const before = await inode();
      const seconds = await mended('hv3', async () => {
        await lab().exec('hv3', ['sh', '-c', script]);
        await replaced(before);
      });
      t.diagnostic(`${what}: answers from a new one after ${seconds.toFixed(1)} s`);
    }
    await same({ from: 'hv3', at: local }, { from: 'hv2' });
  });

  it('hold up no hand-over when PowerDNS cannot run', async (t: TestContext) => {
    const makePrimary = async (node: string) => {
      await run('node', 'primary', node);
      await lab().waitFor(`${node} to be primary`, async () => (await lab().primary('hv1')) === node, patience);
    };
    const floats = async (node: string) =>
      (await lab().exec(node, ['ip', '-o', 'address', 'show'])).stdout.includes(` ${floating}/32`);
    const { bridge } = await lab().ask('hv1', 'network.info', { network: 'office' });
    const routes = async (node: string) =>
      (await lab().exec(node, ['ip', '-o', 'address', 'show', 'dev', bridge])).stdout.includes(' 10.20.0.1/');
    const dead = async () =>
      (await lab().ask('hv1', 'fault.list', {})).some(({ message }) => message.includes('The service powerdns'));
    if ((await lab().primary('hv1')) === 'hv3') await makePrimary('hv1');
    await lab().exec('hv3', ['chmod', 'a-x', '/usr/sbin/pdns_server']);
    process.kill(await daemonPid(lab(), 'hv3', 'pdns_server'), 'SIGKILL');
    await lab().waitFor('a fault', dead, patience);
    const startMs = performance.now();
    await makePrimary('hv3');
    await lab().waitFor(
      'the floating address and the gateway to be there',
      async () => (await floats('hv3')) && (await routes('hv3')),
      patience,
    );
    t.diagnostic(`primary and gateway without PowerDNS after ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    assert.ok(await dead());
    await lab().exec('hv3', ['chmod', 'a+x', '/usr/sbin/pdns_server']);
    await comes({ from: 'hv2' }, ['www.office.example', 'A'], ['10.20.0.10']);
    await lab().waitFor('no fault', async () => !(await dead()), { timeoutMs: 120_000 });
  });

  it('stay as they are when the daemon is killed', async () => {
    const seen = async () => ({
      pid: await daemonPid(lab(), 'hv3', 'pdns_server'),
      files: (await lab().exec('hv3', ['stat', '-c', '%i', database, '/etc/powerdns/pdns-pvc.conf'])).stdout,
      serial: await serial({ from: 'hv3', at: local }),
    });
    const before = await seen();
    await lab().daemon('hv3', 'kill');
    await run('network', 'dns', 'add', 'office', 'later', 'A', '10.20.0.40');
    await comes({ from: 'hv3', at: local }, ['later.office.example', 'A'], ['10.20.0.40']);
    await grows(before.serial, { from: 'hv3', at: local });
    assert.deepEqual({ ...(await seen()), serial: before.serial }, before);
    const mode = await lab().exec('hv3', ['stat', '-c', '%a %U', '/etc/powerdns/pdns-pvc.conf']);
    assert.equal(mode.stdout.trim(), '600 pdns');
  });

  it('go with their network, and PowerDNS with the last one', async () => {
    for (const [name, type] of [
      ...['www', 'told', 'after', 'later', '*.apps'].map((name) => [name, 'A'] as const),
      ...([
        ['alias', 'CNAME'],
        ['@', 'MX'],
        ['@', 'TXT'],
        ['_sip._tcp', 'SRV'],
      ] as const),
    ])
      await run('network', 'dns', 'remove', 'office', name, type);
    const held = await lab().pvc('hv1', ['network', 'remove', 'office', '--yes']);
    assert.deepEqual([held.code, /dns-signing office.example/.test(held.stderr)], [4, true], held.stderr);
    await run('network', 'dns', 'unsign', 'office');
    await lab().waitFor(
      'answers without signatures',
      async () => {
        const said = await dig({ from: 'hv2' }, '+dnssec', 'office.example', 'NS');
        return said.includes('NOERROR') && !said.includes('RRSIG');
      },
      patience,
    );
    await run('network', 'remove', 'office');
    // On hv2 a secondary of somebody else runs as well, which is not PVC's to end.
    for (const node of ['hv1', 'hv3'])
      await lab().waitFor(
        `no PowerDNS on ${node}`,
        async () => (await daemonPid(lab(), node, 'pdns_server').catch(() => undefined)) === undefined,
        patience,
      );
    for (const node of lab().nodes)
      await lab().waitFor(
        `no file of it on ${node}`,
        async () => (await lab().exec(node, ['ls', '/etc/powerdns', '/var/lib/powerdns'])).stdout.match(/pvc/) === null,
        patience,
      );
  });
});
