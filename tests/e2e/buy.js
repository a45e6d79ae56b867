// Buyers that log every purchase: a line of JSON when it is sent, another when the response
// arrives. Run by e2e/load.py.
//
//   URL        address for purchases       QTY        tickets per purchase
//   RATE       purchases per second, independent of responses; 0: USERS buy without a pause
//   DURATION   maximum duration, such as 60s
import exec from 'k6/execution';
import http from 'k6/http';

const qty = Number(__ENV.QTY || 1);
const rate = Number(__ENV.RATE || 0);
const users = Number(__ENV.USERS || 20);
const duration = __ENV.DURATION || '60s';

export const options = {
  discardResponseBodies: false,
  scenarios: {
    buyers:
      rate > 0
        ? { executor: 'constant-arrival-rate', rate, timeUnit: '1s', duration, preAllocatedVUs: 200, maxVUs: 400, gracefulStop: '12s' }
        : { executor: 'constant-vus', vus: users, duration, gracefulStop: '12s' },
  },
};

export function setup() {
  return { run: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}` };
}

export default function buy(data) {
  const key = `e2e-${data.run}-${exec.scenario.iterationInTest}`;
  // Logged first, so that purchases without a response are known.
  console.log(JSON.stringify({ key, qty }));
  const started = Date.now();
  const response = http.post(`${__ENV.URL}/api/v1/purchase`, JSON.stringify({ qty }), {
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': `"${key}"` },
    timeout: '10s',
  });
  let answer = {};
  try {
    answer = response.json() || {};
  } catch (_) {
    // Not JSON: neither sold nor sold out.
  }
  const at = Date.now();
  const found = response.status === 200;
  console.log(
    JSON.stringify({
      at_ms: at,
      ms: at - started,
      status: response.status,
      sold: found && answer.success === true,
      sold_out: found && answer.success === false && answer.message === 'Insufficient inventory',
      key,
      id: answer.reservation_id,
      retry_after: response.headers['Retry-After'],
      error: response.error || answer.code,
    }),
  );
}
