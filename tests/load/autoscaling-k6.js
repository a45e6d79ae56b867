// Autoscaling: low load, a sustained rush, and low load again, slow enough for an autoscaler to
// follow. Run by tests/load/run with SCRIPT=autoscaling, or directly by k6 against a cluster while
// `make watch-hpa` shows the replicas.
//
//   CALM       purchases per second before and after (default 50)
//   RUSH       purchases per second at the peak (default 2000)
//   STEP_S     seconds of each of the seven steps, 1 to 600 (default 60)
//   VUS_MAX    maximum of virtual users (default 400)
import exec from 'k6/execution';

import { buy, figures, newRun, stepFigures, stepLines, steps, wholeNumber } from './common.js';

const calm = wholeNumber('CALM', 1, 50000, 50);
const rush = wholeNumber('RUSH', 1, 50000, 2000);
const seconds = wholeNumber('STEP_S', 1, 600, 60);
const vusMax = wholeNumber('VUS_MAX', 1, 2000, 400);
const part = (share) => Math.max(1, Math.round(rush * share));
const list = [calm, part(0.25), part(0.5), rush, rush, part(0.25), calm];

export const options = steps(list, seconds, vusMax, 'purchase');

export function setup() {
  return { run: newRun() };
}

export function purchase(data) {
  const step = exec.scenario.name.replace('step_', '');
  // A terminating pod may refuse or lose a request; the buyer retries with the same key.
  buy(`k6-${data.run}-${step}-${exec.scenario.iterationInTest}`, 1, 4, { step });
}

export function handleSummary(data) {
  const all = figures(data, 'autoscaling', { qty: 1, steps: stepFigures(data, list, seconds) });
  const out = { stdout: stepLines(all) };
  if (__ENV.SUMMARY) {
    out[__ENV.SUMMARY] = `${JSON.stringify(all, null, 1)}\n`;
  }
  return out;
}
