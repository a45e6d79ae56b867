// Two groups of users at the same time: one reads availability, the other buys. Run by
// tests/load/run, or directly by k6.
//
//   VU_BASE_URL     address for purchases, ticket or the monolith (default http://127.0.0.1:8000)
//   VU_VACANCY_URL  address for availability (default VU_BASE_URL)
//   QTY             tickets per purchase, 1 to 1000 (default 1)
//   VUS             virtual users per group, 1 to 500 (default 50)
//   DURATION        duration in k6's format, such as 60s (the default)
//   PAUSE_MS        pause of a user after a response, 0 to 60000 (default 0: no pause, which
//                   measures the capacity of the machine rather than the latency of a response)
//   SUMMARY         path for the figures as JSON
//
// A sold-out response is not a failure; it counts in sold_out.
import { check, sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter } from 'k6/metrics';

const baseUrl = (__ENV.VU_BASE_URL || 'http://127.0.0.1:8000').replace(/\/+$/, '');
const vacancyUrl = (__ENV.VU_VACANCY_URL || baseUrl).replace(/\/+$/, '');
const qty = wholeNumber('QTY', 1, 1000, 1);
const vus = wholeNumber('VUS', 1, 500, 50);
const pauseMs = wholeNumber('PAUSE_MS', 0, 60000, 0);
const duration = __ENV.DURATION || '60s';

const ticketsSold = new Counter('tickets_sold');
const soldOut = new Counter('sold_out');
const purchaseFailed = new Counter('purchase_failed');

// Keys of two runs against the same stock must differ. Otherwise the second run gets the responses
// of the first.
const run = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;

export const options = {
  scenarios: {
    availability: { executor: 'constant-vus', vus, duration, exec: 'availability' },
    purchase: { executor: 'constant-vus', vus, duration, exec: 'purchase' },
  },
  thresholds: {
    'http_req_duration{scenario:availability}': ['p(95)<50'],
    'http_req_duration{scenario:purchase}': ['p(95)<50'],
    http_req_failed: ['rate<0.01'],
    checks: ['rate>0.99'],
  },
  summaryTrendStats: ['min', 'med', 'avg', 'p(95)', 'p(99)', 'max'],
};

// Shared by all virtual users, because each runs the script separately with its own random numbers.
export function setup() {
  return { run };
}

export function availability() {
  const response = http.get(`${vacancyUrl}/api/v1/available`, { timeout: '10s' });
  const answer = body(response);
  check(response, { 'availability is returned': () => response.status === 200 && Number.isInteger(answer.qty) && answer.qty >= 0 });
  pause();
}

export function purchase(data) {
  const key = `k6-${data.run}-${exec.vu.idInTest}-${exec.vu.iterationInScenario}`;
  const response = http.post(`${baseUrl}/api/v1/purchase`, JSON.stringify({ qty }), {
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': `"${key}"` },
    timeout: '10s',
  });
  const answer = body(response);
  const sold = response.status === 200 && answer.success === true;
  const none = response.status === 200 && answer.success === false && answer.message === 'Insufficient inventory';
  if (sold) {
    ticketsSold.add(qty);
  } else if (none) {
    soldOut.add(1);
  } else {
    purchaseFailed.add(1);
  }
  check(response, { 'sold, or sold out': () => sold || none });
  pause();
}

export function handleSummary(data) {
  const out = { stdout: text(data) };
  if (__ENV.SUMMARY) {
    out[__ENV.SUMMARY] = `${JSON.stringify(figures(data), null, 1)}\n`;
  }
  return out;
}

function pause() {
  if (pauseMs > 0) {
    // Varies by 50 %, so that users do not synchronise.
    sleep((pauseMs * (0.5 + Math.random())) / 1000);
  }
}

function body(response) {
  try {
    return response.json() || {};
  } catch (_) {
    return {};
  }
}

function wholeNumber(name, least, most, otherwise) {
  const value = __ENV[name] ? Number(__ENV[name]) : otherwise;
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${name} must be a whole number from ${least} to ${most}`);
  }
  return value;
}

function values(data, name) {
  return (data.metrics[name] || { values: {} }).values;
}

function failedThresholds(data) {
  return Object.entries(data.metrics).flatMap(([name, metric]) =>
    Object.entries(metric.thresholds || {}).filter(([, threshold]) => !threshold.ok).map(([rule]) => `${name}: ${rule}`),
  );
}

function figures(data) {
  const count = (name) => values(data, name).count || 0;
  return {
    vus,
    duration,
    qty,
    pause_ms: pauseMs,
    requests: count('http_reqs'),
    requests_per_s: values(data, 'http_reqs').rate || 0,
    failed_rate: values(data, 'http_req_failed').rate || 0,
    checks_rate: values(data, 'checks').rate || 0,
    tickets_sold: count('tickets_sold'),
    sold_out: count('sold_out'),
    purchase_failed: count('purchase_failed'),
    availability_ms: values(data, 'http_req_duration{scenario:availability}'),
    purchase_ms: values(data, 'http_req_duration{scenario:purchase}'),
    thresholds_failed: failedThresholds(data),
  };
}

function text(data) {
  const all = figures(data);
  const times = (stats) => Object.entries(stats).map(([name, ms]) => `${name} ${ms.toFixed(2)}`).join('  ');
  return [
    '',
    `  ${vus} + ${vus} virtual users, ${duration}, ${qty} tickets per purchase, ${pauseMs} ms between requests`,
    `  requests         ${all.requests} (${all.requests_per_s.toFixed(0)}/s), failed ${(all.failed_rate * 100).toFixed(3)} %`,
    `  availability ms  ${times(all.availability_ms)}`,
    `  purchase ms      ${times(all.purchase_ms)}`,
    `  tickets_sold     ${all.tickets_sold}`,
    `  sold_out         ${all.sold_out}`,
    `  purchase_failed  ${all.purchase_failed}`,
    `  thresholds       ${all.thresholds_failed.length === 0 ? 'all passed' : `FAILED ${all.thresholds_failed.join(', ')}`}`,
    '',
  ].join('\n');
}
