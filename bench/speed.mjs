// SPDX-License-Identifier: MIT
// How long a run takes, both engines in turns.
import { geometricMean, median, ms, ratio } from './table.mjs';

export const SPEED_HEADER = ['model', 'threads', 'Mullion min', 'median', 'peer min', 'median',
                             'peer/ours by min', 'by median'];

// The peer goes first once: how often it runs in the given time is how often both run after that.
export function compareModel({ ours, peer }, model, file, threads, options) {
  const engines = { ours, peer };
  const results = { ours: [], peer: [] };
  let runs = options.runs;
  for (let round = 0; round < options.rounds; round++) {
    // Who begins changes, so that a machine that warms up favours nobody.
    for (const side of round % 2 === 0 ? ['peer', 'ours'] : ['ours', 'peer']) {
      if (results[side].at(-1)?.error) continue;
      const result = engines[side].measure('latency', file, [
        '--threads', threads, '--warmup', options.warmup, '--runs', runs,
        '--max-seconds', options.seconds, ...model.args]);
      results[side].push(result);
      if (side === 'peer' && result.runs) runs = Math.min(runs, Math.max(3, result.runs));
    }
  }
  return { model: model.name, threads, ours: summary(results.ours), peer: summary(results.peer) };
}

function summary(measurements) {
  const error = measurements.find((m) => m.error)?.error;
  if (error) return { error };
  return { min: Math.min(...measurements.map((m) => m.min_ms)),
           median: median(measurements.map((m) => m.median_ms)), version: measurements[0].version };
}

export function row({ model, threads, ours, peer }) {
  const times = (side) => side.error ? ['failed', ''] : [ms(side.min), ms(side.median)];
  return [model, String(threads), ...times(ours), ...times(peer),
          ratio(peer.min, ours.min), ratio(peer.median, ours.median)];
}

// Over all, and over those that take the peer long enough to be more than calls.
function meanRows(results, threads) {
  const both = results.filter((r) => r.threads === threads && !r.ours.error && !r.peer.error);
  const mean = (some, key) => ratio(geometricMean(some.map((r) => r.peer[key] / r.ours[key])), 1);
  const line = (text, some) => [text, String(threads), '', '', '', '', mean(some, 'min'), mean(some, 'median')];
  const long = both.filter((r) => r.peer.min >= 1);
  const rows = [line(`geometric mean of ${both.length}`, both)];
  if (long.length && long.length < both.length) rows.push(line(`of ${long.length} from 1 ms on`, long));
  return rows;
}

// Calls `show` for every row as it comes.
export async function compareSpeed(engines, models, options, show) {
  const results = [];
  for (const threads of options.threads) {
    for (const model of models) {
      results.push(compareModel(engines, model, await model.make(), threads, options));
      show(row(results.at(-1)));
    }
    if (models.length > 1) for (const mean of meanRows(results, threads)) show(mean);
  }
  return results;
}
