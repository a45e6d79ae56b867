// The sell-out rush: many concurrent buyers, few tickets. Every buyer has one key and retries
// with it after a refusal or a missing response. Run by tests/load/run with SCRIPT=rush.
//
//   VUS        concurrent buyers, 1 to 500 (default 200)
//   BUYERS     buyers in total, 1 to 1000000 (default 20000)
//   QTY        tickets each, 1 to 1000 (default 1)
import { check } from 'k6';
import exec from 'k6/execution';

import { buy, figures, newRun, wholeNumber } from './common.js';

const vus = wholeNumber('VUS', 1, 500, 200);
const buyers = wholeNumber('BUYERS', 1, 1000000, 20000);
const qty = wholeNumber('QTY', 1, 1000, 1);

export const options = {
  scenarios: { rush: { executor: 'shared-iterations', vus, iterations: buyers, maxDuration: '10m', exec: 'purchase' } },
  thresholds: { checks: ['rate>0.999'] },
  summaryTrendStats: ['min', 'med', 'avg', 'p(95)', 'p(99)', 'max'],
};

export function setup() {
  return { run: newRun() };
}

export function purchase(data) {
  const end = buy(`k6-${data.run}-${exec.scenario.iterationInTest}`, qty, 10, {});
  check(end, { 'every buyer gets a decision': () => end === 'sold' || end === 'sold_out' });
}

export function handleSummary(data) {
  const all = figures(data, 'rush', { qty, buyers, vus, duration_s: data.state.testRunDurationMs / 1000 });
  const line = `\n  ${buyers} buyers in ${all.duration_s.toFixed(1)} s: ${all.tickets_sold} tickets sold, ${all.sold_out} sold-out responses, ${all.purchase_failed} failed, ${all.retries} retries\n`;
  const out = { stdout: line };
  if (__ENV.SUMMARY) {
    out[__ENV.SUMMARY] = `${JSON.stringify(all, null, 1)}\n`;
  }
  return out;
}
