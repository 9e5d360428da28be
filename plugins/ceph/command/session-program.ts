/**
 * What the session runs: an interpreter that stays logged in to Ceph and answers lines of words with lines of JSON, each with the
 * number of its question. Questions do not wait for each other: orders that are given together come into one map of Ceph, which
 * makes one a second.
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
import errno, json, sys, threading
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
printing = threading.Lock()
def answer(number, command):
    if command is None:
        code, text, reason = errno.EINVAL, b'', 'invalid command'
    else:
        code, text, reason = cluster.mon_command(command, b'')
    name = errno.errorcode.get(abs(code), str(abs(code)))
    told = {'code': abs(code), 'stdout': text.decode(), 'stderr': 'Error %s: %s' % (name, reason) if code else ''}
    with printing:
        print(json.dumps(dict(told, number=number)), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    words = tuple(asked['words'])
    if words not in commands:
        found = validate_command(signatures, list(words))
        commands[words] = json.dumps(dict(found, format='json')) if found else None
    threading.Thread(target=answer, args=(asked['number'], commands[words]), daemon=True).start()
`;
