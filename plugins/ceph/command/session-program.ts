/**
 * What the session runs: an interpreter that stays logged in to Ceph and answers a line of words with a line of JSON.
 * It is made of what the command `ceph` is made of, and comes with it (Debian: python3-rados, python3-ceph-argparse, of
 * which ceph-common depends): `mon_command` of librados, which takes a command as JSON, and the table of Ceph's own
 * commands that turns words into that.
 * @module
 */

import { connectSeconds } from './unreached.ts';

/** How long the monitors may take to answer a question. */
const answerSeconds = 30;

/**
 * Words become JSON once for each question: the search through the table of commands costs a tenth of a second of a core.
 * A question without an answer fails after a while, so that an interpreter whose daemon was killed ends.
 */
export const sessionProgram = `
import errno, json, sys
import rados
from ceph_argparse import parse_json_funcsigs, validate_command
cluster = rados.Rados(conffile='')
cluster.conf_set('client_mount_timeout', '${connectSeconds}')
cluster.conf_set('rados_mon_op_timeout', '${answerSeconds}')
cluster.connect()
code, table, reason = cluster.mon_command(json.dumps({'prefix': 'get_command_descriptions'}), b'')
if code != 0:
    sys.exit('the table of commands: ' + reason)
signatures = parse_json_funcsigs(table.decode(), 'cli')
commands = {}
for line in sys.stdin:
    if line not in commands:
        found = validate_command(signatures, json.loads(line))
        commands[line] = json.dumps(dict(found, format='json')) if found else None
    if commands[line] is None:
        code, text, reason = errno.EINVAL, b'', 'invalid command'
    else:
        code, text, reason = cluster.mon_command(commands[line], b'')
    name = errno.errorcode.get(abs(code), str(abs(code)))
    answer = {'code': abs(code), 'stdout': text.decode(), 'stderr': 'Error %s: %s' % (name, reason) if code else ''}
    print(json.dumps(answer), flush=True)
`;
