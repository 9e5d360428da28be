/** What is refused about the objects that guests are made from. @module */
import { defineErrors } from '../../../core/plugin/api.ts';

export const provisionError = defineErrors({
  PROVISION_INPUT: {
    message: 'The {kind} {name} cannot be so: {reason}.',
    hint: 'See `pvc provisioner --help`. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  PROVISION_UNCHANGED: {
    message: 'Nothing to change in the {kind} {name}.',
    hint: 'It is already as asked.',
    http: 409,
    exit: 'refused',
  },
  USERDATA_UNFIT: {
    message: 'The userdata {name} cannot be taken: {reason}.',
    hint: 'A document begins with `#cloud-config` and is YAML, or with `#!/…` and is a script. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  SCRIPT_UNFIT: {
    message: 'The build script {name} cannot be taken: {reason}.',
    hint: 'It is a text that can be run; see docs/provisioning.md. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  SCRIPT_FAILED: {
    message: 'The build script {script} failed for {vm}: {reason}.',
    hint: 'These are its last words on standard error. Nothing is left of the guest.',
    http: 409,
    exit: 'failed',
  },
  BUILD_FAILED: {
    message: 'The disks of {vm} could not be made ready for its build script, or read back: {reason}.',
    hint: 'See the log of the daemon of the primary. Nothing is left of the guest.',
    http: 500,
    exit: 'failed',
  },
  PROVISION_UNFIT: {
    message: 'No guest can be made of the profile {profile}: {reason}.',
    hint: 'See `pvc provisioner profile info {profile}`. Nothing is left of the guest.',
    http: 409,
    exit: 'refused',
  },
  PROVISION_UNDONE: {
    message: 'The guest {vm} was taken back, with its disks.',
    hint: 'The task that made it had failed; see its log, and make it again.',
    http: 409,
    exit: 'failed',
  },
  SEED_FAILED: {
    message: 'The disk for cloud-init could not be made: {reason}.',
    hint: 'It is made by genisoimage on the primary; see the log of its daemon. Nothing is left of the guest.',
    http: 500,
    exit: 'failed',
  },
  IMAGE_UNFIT: {
    message: 'The image {image} cannot be made of {volume}: {reason}.',
    hint: 'See `pvc storage volume info {volume}`. Nothing of the image is left.',
    http: 409,
    exit: 'refused',
  },
  IMAGE_FILE_UNFIT: {
    message: 'No image {image} can be made of the file: {reason}.',
    hint: 'Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  IMAGE_NO_SPACE: {
    message: 'The node {node} has no room for the file: {wanted} are needed in {directory}, and {free} are free.',
    hint: 'Ask another node, or bring the file to a larger disk of a node and use `pvc provisioner image import`. Nothing was changed.',
    http: 507,
    exit: 'refused',
  },
  IMAGE_UNDONE: {
    message: 'The image {image} was taken back.',
    hint: 'The task that made it had failed; see its log, and make it again.',
    http: 409,
    exit: 'failed',
  },
  IMAGE_BUSY: {
    message: 'The image {image} is being {doing}.',
    hint: '`pvc task list` shows how far that is.',
    http: 409,
    exit: 'refused',
  },
});
