// SPDX-License-Identifier: MIT
// What engines cost beside arithmetic: loading, memory, waiting, calls, sizes never seen before.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { PEER } from './measure.mjs';
import { median } from './table.mjs';
import { knownModels, made } from './models.mjs';

const number = (value, digits = 3) => value === undefined || Number.isNaN(value) ? 'failed' : value.toFixed(digits);
const field = (key, digits) => (result) => number(result[key], digits);

function sections(shared) {
  const known = new Map(knownModels(shared).map((model) => [model.name, model]));
  const model = (name) => known.get(name);
  const yunet = { ...model('yunet_n_dynamic'), args: ['--range', '0:255'] };
  const encoder = { ...model('encoder'), args: ['--dim', 'batch=1'] };
  const decoder = { ...model('decoder'), args: ['--dim', 'batch=1', '--dim', 'sequence=1'] };
  const quick = ['--max-seconds', 1];
  return {
    load: {
      title: 'Load from ONNX, and compiled by mullion compile, ms (page cache warm)', experiment: 'latency', threads: [1, 2], repeat: 5,
      compiled: ['light_resnet50', 'squeezenet_fp32'],
      header: ['load', 'first run', 'load + first - median', 'peak MiB'],
      cells: [field('load_ms', 1), field('first_ms', 1),
              (r) => number(r.load_ms + r.first_ms - r.median_ms, 1), field('peak_rss_mib', 0)],
      models: ['light_resnet50', 'squeezenet_fp32', 'yolox_nano', 'encoder', 'silero_vad'].map(model)
        .concat(made('nodes_20000', ['--dim', 'n=4'])),
      flags: ['--runs', 10, ...quick],
    },
    memory: {
      title: 'Resident MiB: before, with one session, with two, the most with mixed sizes (first ' +
        'fifth of the runs, last), closed', experiment: 'memory', threads: [2],
      header: ['start', 'one', 'two', 'mixed early', 'mixed late', 'closed', 'peak'],
      cells: ['start_mib', 'one_session_mib', 'two_sessions_mib', 'mixed_early_mib', 'mixed_late_mib',
              'closed_mib', 'peak_rss_mib'].map((key) => (r) => (key in r ? r[key].toFixed(1) : '')),
      models: [
        model('light_resnet50'), model('squeezenet_fp32'),
        { ...yunet, args: [...yunet.args, '--dim', 'height=320', '--dim', 'width=320',
                           '--vary', 'height=2:10:32', '--vary', 'width=2:10:32', '--runs', 10000] },
        { ...model('bert_tiny_random_mlm'),
          args: ['--dim', 'batch=1', '--dim', 'tokens=64', '--vary', 'tokens=1:200', '--runs', 10000] },
      ],
      flags: [],
    },
    quiet: {
      title: 'CPU ms: of a run among runs, of one every 33 ms, of falling asleep and waking up alone, ' +
        'of a second of idling',
      experiment: 'paced', threads: [1, 2], header: ['packed', 'paced', 'asleep', 'idle a second'],
      cells: ['packed_cpu_ms', 'paced_cpu_ms', 'asleep_cpu_ms', 'idle_cpu_ms_per_s'].map((key) => field(key)),
      models: ['squeezenet_fp32', 'ultraface_rfb_320', 'silero_vad'].map(model),
      flags: ['--runs', 1000, '--max-seconds', 5],
    },
    beside: {
      title: 'Beside a busy loop of another process, median ms with one thread and with two',
      experiment: 'beside', threads: [2], repeat: 3, header: ['one thread', 'two'],
      cells: [field('one_thread_median_ms'), field('two_threads_median_ms')],
      models: ['squeezenet_fp32', 'ultraface_rfb_320', 'ssrnet_age', 'silero_vad'].map(model),
      flags: ['--runs', 20],
    },
    sessions: {
      title: 'Four sessions used in turn, CPU ms a run against one alone', experiment: 'turns',
      threads: [2], header: ['alone', 'in turn', 'ratio'],
      cells: [field('alone_cpu_ms'), field('turns_cpu_ms'),
              (r) => number(r.turns_cpu_ms / r.alone_cpu_ms, 2)],
      models: ['squeezenet_fp32', 'ultraface_rfb_320', 'ssrnet_age', 'gtcrn_stream_simple',
               'silero_vad'].map(model),
      flags: ['--runs', 20000, '--max-seconds', 0.5],
    },
    shapes: {
      title: 'Sizes never seen before: first run over a known run, and ms more', experiment: 'shapes',
      threads: [1, 2], header: ['known ms', 'more ms', 'ratio median', 'p90', 'p99'],
      cells: [field('known_median_ms'), field('new_extra_median_ms'), field('ratio_median', 2),
              field('ratio_p90', 2), field('ratio_p99', 2)],
      models: [
        made('nodes_1000', ['--vary', 'n=1:1000', '--shapes', 200]),
        { ...yunet, args: [...yunet.args, '--vary', 'height=2:20:32', '--vary', 'width=2:20:32',
                           '--shapes', 200] },
        { ...encoder, args: [...encoder.args, '--vary', 'sequence=8:300', '--shapes', 100] },
        { ...decoder, name: 'decoder, growing',
          args: [...decoder.args, '--vary', 'past_sequence=100:400', '--shapes', 200, '--rising', 1] },
      ],
      flags: [],
    },
    calls: {
      title: 'One Add on [1], inputs and outputs bound, µs', experiment: 'latency', threads: [1, 2],
      header: ['min', 'median'],
      cells: [(r) => number(r.min_ms * 1e3), (r) => number(r.median_ms * 1e3)],
      models: [made('add_one')], flags: ['--runs', 1000000, '--warmup', 1000, ...quick],
    },
  };
}

export const RUNTIME_PARTS = ['load', 'memory', 'quiet', 'beside', 'sessions', 'shapes', 'calls'];

// The median of each number over some measurements.
function middle(results) {
  const error = results.find((r) => r.error);
  if (error) return error;
  return Object.fromEntries(Object.entries(results[0]).map(([key, value]) =>
    [key, typeof value === 'number' ? median(results.map((r) => r[key])) : value]));
}

// `file` as the command of this build compiles it.
function compile(build, file, name) {
  const to = path.join(PEER, `${name}.compiled`);
  execFileSync(path.join(build, 'bin/mullion'), ['compile', file, '-o', to], { stdio: 'ignore' });
  return to;
}

// One part: its title, header and rows, each row shown as it comes.
export async function runPart(engines, part, options, begin, show) {
  const { title, experiment, threads, repeat = 1, compiled = [], header, cells, models, flags } =
    sections(options.shared)[part];
  begin(title, ['model', 'threads', 'engine', ...header], models);
  for (const model of models) {
    const file = await model.make();
    const sides = [{ name: 'Mullion', measure: engines.ours.measure, file },
                   { name: 'peer', measure: engines.peer.measure, file }];
    if (compiled.includes(model.name)) {
      sides.push({ ...sides[0], name: 'compiled', file: compile(options.build, file, model.name) });
    }
    for (const count of threads.filter((n) => n === 1 || options.threads.includes(n))) {
      const results = sides.map(() => []);
      for (let round = 0; round < repeat; round++) {
        sides.forEach(({ measure, file }, i) => results[i].push(
          measure(experiment, file, ['--threads', count, ...flags, ...model.args])));
      }
      sides.forEach(({ name }, i) => {
        const result = middle(results[i]);
        show([model.name, String(count), name,
              ...(result.error ? [result.error] : cells.map((cell) => cell(result)))]);
      });
    }
  }
}
