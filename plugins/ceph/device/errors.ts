/** What can be wrong with the description of a disk. @module */
import { defineErrors } from '../../../core/plugin/api.ts';

export const deviceError = defineErrors({
  DEVICE_NOT_FOUND: {
    message: 'The node has no device {device}.',
    hint: 'See `pvc storage device list NODE`. Nothing was changed.',
    http: 404,
    exit: 'notFound',
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
