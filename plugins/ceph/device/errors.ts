/** What can be wrong with disks and what the tools say of them. @module */
import { defineErrors } from '../../../core/plugin/api.ts';

export const deviceError = defineErrors({
  DEVICE_OUTPUT: {
    message: '{command} answered something that is not understood: {reason}.',
    hint: 'Run it by hand on that node; its version may be one that PVC does not know. Nothing was changed.',
    http: 500,
    exit: 'failed',
  },
  DEVICE_DETECT: {
    message: '"{text}" does not describe a disk: {reason}.',
    hint: 'Write detect:NAME:SIZE:INDEX, for example detect:INTEL:480GB:0: a part of the vendor and model, the size as sold, and which of those that match, counted from 0.',
    http: 422,
    exit: 'usage',
  },
  DEVICE_NOT_DETECTED: {
    message: 'No disk is {text}: {reason}.',
    hint: 'Every disk of the node is listed above. Nothing was changed.',
    http: 404,
    exit: 'notFound',
  },
});
