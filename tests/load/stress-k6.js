// Stress, open loop: raises the purchase rate until the system breaks. Run by tests/load/run with
// SCRIPT=stress.
//
//   RATES      purchases per second of each step (default 500,1000,2000,4000,6000,8000,12000)
//   STEP_S     seconds per step, 1 to 300 (default 5)
//   VUS_MAX    maximum of virtual users (default 400); a purchase that is due while all are busy
//              counts as unsent
//
// The breaking point is the first step that sells less than 95 % of its rate, or whose p99 exceeds
// one second.
import exec from 'k6/execution';

import { buy, figures, newRun, rates, stepFigures, stepLines, steps, wholeNumber } from './common.js';

const list = rates('RATES', '500,1000,2000,4000,6000,8000,12000');
const seconds = wholeNumber('STEP_S', 1, 300, 5);
const vusMax = wholeNumber('VUS_MAX', 1, 2000, 400);

export const options = steps(list, seconds, vusMax, 'purchase');

export function setup() {
  return { run: newRun() };
}

export function purchase(data) {
  const step = exec.scenario.name.replace('step_', '');
  buy(`k6-${data.run}-${step}-${exec.scenario.iterationInTest}`, 1, 1, { step });
}

export function handleSummary(data) {
  const all = figures(data, 'stress', { qty: 1, steps: stepFigures(data, list, seconds) });
  const broken = all.steps.find((step) => step.sold_per_s < 0.95 * step.rate_per_s || step.p99_ms > 1000);
  all.breaks_at_per_s = broken ? broken.rate_per_s : null;
  const verdict = broken ? `  breaks at ${broken.rate_per_s}/s\n` : '  did not break\n';
  const out = { stdout: stepLines(all) + verdict };
  if (__ENV.SUMMARY) {
    out[__ENV.SUMMARY] = `${JSON.stringify(all, null, 1)}\n`;
  }
  return out;
}
