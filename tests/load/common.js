// Shared by the load scripts: addresses, purchases, counters.
import http from 'k6/http';
import { sleep } from 'k6';
import { Counter } from 'k6/metrics';

export const baseUrl = (__ENV.VU_BASE_URL || 'http://127.0.0.1:8000').replace(/\/+$/, '');
export const vacancyUrl = (__ENV.VU_VACANCY_URL || baseUrl).replace(/\/+$/, '');

export const ticketsSold = new Counter('tickets_sold');
export const soldOut = new Counter('sold_out');
export const purchaseFailed = new Counter('purchase_failed');
export const refused = new Counter('refused');
export const retries = new Counter('retries');

// Keys of two runs against the same stock must differ. Otherwise the second run gets the responses
// of the first.
export function newRun() {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
}

// Buys once. Retries a refused (429, 503) or unanswered purchase with the same key, up to `tries`
// attempts in total. Waits for Retry-After plus a random pause whose maximum doubles. Returns
// 'sold', 'sold_out', 'refused' or 'failed'.
export function buy(key, qty, tries, tags) {
  let last = 'failed';
  for (let attempt = 0; attempt < tries; attempt += 1) {
    if (attempt > 0) {
      retries.add(1);
    }
    const response = http.post(`${baseUrl}/api/v1/purchase`, JSON.stringify({ qty }), {
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': `"${key}"` },
      timeout: '10s',
      tags,
    });
    const answer = body(response);
    if (response.status === 200 && answer.success === true) {
      ticketsSold.add(qty, tags);
      return 'sold';
    }
    if (response.status === 200 && answer.message === 'Insufficient inventory') {
      soldOut.add(1, tags);
      return 'sold_out';
    }
    last = response.status === 429 || response.status === 503 ? 'refused' : 'failed';
    if (attempt + 1 < tries) {
      const told = Number(response.headers['Retry-After']) || 0;
      sleep(told + Math.random() * Math.min(0.1 * 2 ** attempt, 2));
    }
  }
  if (last === 'refused') {
    refused.add(1, tags);
  }
  // In both cases it may have sold: the refusal of the last attempt does not cover an earlier,
  // unanswered one.
  purchaseFailed.add(1, tags);
  return last;
}

export function body(response) {
  try {
    return response.json() || {};
  } catch (_) {
    return {};
  }
}

export function wholeNumber(name, least, most, otherwise) {
  const value = __ENV[name] ? Number(__ENV[name]) : otherwise;
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${name} must be a whole number from ${least} to ${most}`);
  }
  return value;
}

export function values(data, name) {
  return (data.metrics[name] || { values: {} }).values;
}

// The figures that tests/load/run and tests/load/report read.
export function figures(data, kind, more) {
  const count = (name) => values(data, name).count || 0;
  return {
    kind,
    requests: count('http_reqs'),
    requests_per_s: values(data, 'http_reqs').rate || 0,
    tickets_sold: count('tickets_sold'),
    sold_out: count('sold_out'),
    purchase_failed: count('purchase_failed'),
    refused: count('refused'),
    retries: count('retries'),
    dropped: count('dropped_iterations'),
    purchase_ms: values(data, 'http_req_duration'),
    ...more,
  };
}

// The scenarios of an open loop in steps: each rate runs for `seconds`, independent of the
// responses. `exec` is the function.
export function steps(rates, seconds, vusMax, exec) {
  const scenarios = {};
  const thresholds = {};
  rates.forEach((rate, number) => {
    const name = `step_${number}`;
    scenarios[name] = {
      executor: 'constant-arrival-rate',
      exec,
      rate,
      timeUnit: '1s',
      duration: `${seconds}s`,
      startTime: `${number * seconds}s`,
      preAllocatedVUs: Math.min(vusMax, Math.max(50, Math.ceil(rate / 10))),
      maxVUs: vusMax,
      gracefulStop: '30s',
      tags: { step: String(number) },
    };
    // A threshold that always holds makes k6 report the figures of the step.
    for (const metric of ['http_req_duration', 'tickets_sold', 'purchase_failed', 'refused']) {
      thresholds[`${metric}{step:${number}}`] = [metric === 'http_req_duration' ? 'p(95)>=0' : 'count>=0'];
    }
    thresholds[`dropped_iterations{scenario:${name}}`] = ['count>=0'];
  });
  return { scenarios, thresholds, summaryTrendStats: ['min', 'med', 'avg', 'p(95)', 'p(99)', 'max'] };
}

// The figures of each step.
export function stepFigures(data, rates, seconds) {
  return rates.map((rate, number) => {
    const count = (name) => values(data, `${name}{step:${number}}`).count || 0;
    const ms = values(data, `http_req_duration{step:${number}}`);
    return {
      rate_per_s: rate,
      seconds,
      sold_per_s: count('tickets_sold') / seconds,
      refused: count('refused'),
      failed: count('purchase_failed') - count('refused'),
      unsent: values(data, `dropped_iterations{scenario:step_${number}}`).count || 0,
      med_ms: ms.med || 0,
      p95_ms: ms['p(95)'] || 0,
      p99_ms: ms['p(99)'] || 0,
    };
  });
}

export function rates(name, otherwise) {
  const list = (__ENV[name] || otherwise).split(',').map(Number);
  if (list.length > 32 || list.some((rate) => !Number.isInteger(rate) || rate < 1 || rate > 50000)) {
    throw new Error(`${name} must be up to 32 whole numbers from 1 to 50000, separated by commas`);
  }
  return list;
}

export function stepLines(all) {
  const lines = all.steps.map(
    (step) =>
      `  ${String(step.rate_per_s).padStart(6)}/s offered  ${step.sold_per_s.toFixed(0).padStart(6)}/s sold  p50 ${step.med_ms.toFixed(1)}  p95 ${step.p95_ms.toFixed(1)}  p99 ${step.p99_ms.toFixed(1)} ms` +
      `  refused ${step.refused}  failed ${step.failed}  unsent ${step.unsent}`,
  );
  return ['', ...lines, ''].join('\n');
}
