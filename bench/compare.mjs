// SPDX-License-Identifier: MIT
// Mullion and ONNX Runtime on the same models, in turns, so that what else the machine does in
// these minutes falls on both. Started by bench/compare, which sees to the peer.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { geometricMean, markdownTable, median, ms, plainTable, ratio } from './table.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const PEER = path.join(ROOT, 'build/peer');
const USAGE = `usage: bench/compare [flags]
  --models a,b       only these (names as in models.json, with or without .onnx; default: all)
  --threads 1,2      thread counts (default 1 and all cores)
  --rounds N         measurements of each engine per model and thread count (default 3)
  --runs N           timed runs in one measurement, at most (default 200)
  --warmup N         untimed runs before them (default 5)
  --seconds S        time for the runs of one measurement (default 2)
  --markdown FILE    also write the result as a section in Markdown
  --shared DIR       folder that holds models/ and bench/ (default ../shared)
  --mullion FILE     the command (default build/release/bin/mullion)
Exits 1 when a model fails in Mullion.`;

class Failure extends Error {}

function flags() {
  const text = (value) => ({ type: 'string', ...(value === undefined ? {} : { default: value }) });
  const { values } = parseArgs({ options: {
    models: text(), threads: text(), rounds: text('3'), runs: text('200'), warmup: text('5'),
    seconds: text('2'), markdown: text(), shared: text(path.join(ROOT, '../shared')),
    mullion: text(path.join(ROOT, 'build/release/bin/mullion')), help: { type: 'boolean' },
  } });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const cores = os.availableParallelism();
  values.threads ??= cores > 1 ? `1,${cores}` : '1';
  values.threads = values.threads.split(',').map((n) => positive('threads', n));
  for (const name of ['rounds', 'runs', 'warmup']) values[name] = positive(name, values[name]);
  values.seconds = Number(values.seconds);
  if (!(values.seconds > 0)) throw new Failure('--seconds must be a positive number');
  return values;
}

function positive(name, value) {
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1) throw new Failure(`--${name}: "${value}" is not 1 or more`);
  return n;
}

// The peer's scripts find its package only from a folder beside it.
function copyPeerScripts(shared) {
  const from = path.join(shared, 'bench');
  if (!fs.existsSync(from)) throw new Failure(`no folder ${from}; name it with --shared`);
  for (const file of fs.readdirSync(from).filter((f) => f.endsWith('.mjs'))) {
    fs.writeFileSync(path.join(PEER, file), fs.readFileSync(path.join(from, file)));
  }
}

// Every model as {name, args, make}: `make` gives its file, writing it first where it is generated.
function knownModels(shared) {
  const folder = path.join(shared, 'models');
  const list = JSON.parse(fs.readFileSync(path.join(folder, 'models.json')));
  const models = list.map(({ file, run_args: args }) => {
    const name = file.replace(/\.onnx$/, '');
    const source = path.join(folder, file);
    // "Light" models make their weights by ConstantOfShape: an engine could fold them to nothing.
    return name.startsWith('light_') ? { name, args, make: () => generate(name, 'materialize', source) }
                                     : { name, args, make: () => source };
  });
  models.push(
    { name: 'encoder', args: ['--dim', 'batch=1', '--dim', 'sequence=128'],
      make: () => generate('encoder', 'encoder') },
    { name: 'decoder', args: ['--dim', 'batch=1', '--dim', 'sequence=1', '--dim', 'past_sequence=127'],
      make: () => generate('decoder', 'decoder') });
  return models;
}

function generate(name, command, ...sources) {
  const file = path.join(PEER, `${name}.onnx`);
  if (!fs.existsSync(file)) {
    const part = `${file}.part`;
    execFileSync('node', [path.join(PEER, 'gen_models.mjs'), command, ...sources, part]);
    fs.renameSync(part, file);
  }
  return file;
}

function chosenModels(shared, wanted) {
  const models = knownModels(shared);
  if (!wanted) return models;
  return wanted.split(',').map((w) => {
    const name = w.replace(/\.onnx$/, '');
    const found = models.find((m) => m.name === name);
    if (!found) throw new Failure(`no model "${w}"; there are ${models.map((m) => m.name).join(', ')}`);
    return found;
  });
}

// One measurement: the JSON of the program's answer, or {error}.
function measure(program, args) {
  const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (done.error?.code === 'ENOENT') return { error: `no program ${program}; scripts/build makes it` };
  if (done.error) return { error: String(done.error) };
  const complaint = done.stderr.trim().split('\n').at(-1).slice(0, 200);
  if (done.status !== 0) {
    return { error: complaint || `ended with ${done.signal ?? `exit code ${done.status}`}` };
  }
  try {
    return JSON.parse(done.stdout);
  } catch {
    return { error: `answered with something other than JSON: ${done.stdout.slice(0, 80)}` };
  }
}

// The peer goes first once: how often it runs in the given time is how often both run after that.
function compareModel(model, threads, options) {
  const file = model.make();
  const shared = ['--json', '--threads', threads, '--warmup', options.warmup, ...model.args].map(String);
  const ours = (runs) => measure(options.mullion, ['bench', file, '--runs', String(runs), ...shared]);
  const peer = (runs) => measure('node', [path.join(PEER, 'ort_bench.mjs'), file, '--runs', String(runs),
                                          '--max-seconds', String(options.seconds), ...shared]);
  const results = { ours: [], peer: [] };
  let runs = options.runs;
  for (let round = 0; round < options.rounds; round++) {
    // Who begins changes, so that a machine that warms up favours nobody.
    const order = round % 2 === 0 ? ['peer', 'ours'] : ['ours', 'peer'];
    for (const side of order) {
      if (results[side].at(-1)?.error) continue;
      const result = side === 'peer' ? peer(runs) : ours(runs);
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
           median: median(measurements.map((m) => m.median_ms)),
           isa: measurements[0].isa, version: measurements[0].version };
}

const HEADER = ['model', 'threads', 'Mullion min', 'median', 'peer min', 'median', 'peer/ours by min',
                'by median'];

function row({ model, threads, ours, peer }) {
  const times = (side) => side.error ? ['failed', ''] : [ms(side.min), ms(side.median)];
  return [model, String(threads), ...times(ours), ...times(peer),
          ratio(peer.min, ours.min), ratio(peer.median, ours.median)];
}

function meanRows(results) {
  const counts = [...new Set(results.map((r) => r.threads))];
  return counts.map((threads) => {
    const both = results.filter((r) => r.threads === threads && !r.ours.error && !r.peer.error);
    const mean = (key) => geometricMean(both.map((r) => r.peer[key] / r.ours[key]));
    return [`geometric mean of ${both.length}`, String(threads), '', '', '', '',
            ratio(mean('min'), 1), ratio(mean('median'), 1)];
  });
}

function machine() {
  const said = execFileSync('lscpu', { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  const lscpu = Object.fromEntries(said.split('\n').map((l) => l.split(/:\s*/, 2)));
  const caches = ['L1d', 'L2', 'L3'].map((c) => [c, lscpu[`${c} cache`]]).filter(([, size]) => size);
  return `${lscpu['Model name']} (family ${lscpu['CPU family']}, model ${lscpu.Model}), ` +
    `${os.availableParallelism()} cores, ${caches.map(([c, size]) => `${c} ${size}`).join(', ')}, ` +
    `${(os.totalmem() / 2 ** 30).toFixed(0)} GiB`;
}

function facts(results, options, load) {
  const version = (side) => results.map((r) => r[side].version ?? r[side].isa).find(Boolean) ?? 'none';
  const commit = spawnSync('git', ['-C', ROOT, 'describe', '--always', '--dirty'], { encoding: 'utf8' });
  return [
    `Machine: ${machine()}`,
    `Load average before and after: ${load.map((l) => l.toFixed(2)).join(', ')}`,
    `Mullion ${commit.stdout?.trim() || 'of no known commit'}, instruction set ${version('ours')}; ` +
      `peer: onnxruntime-node ${version('peer')} (CPU, all optimizations), node ${process.version}`,
    `Times in ms; rounds in turns: ${options.rounds}, each up to ${options.runs} runs or ` +
      `${options.seconds} s after ${options.warmup} warm-up runs; min over all, median of the medians; ` +
      'a ratio above 1 means that Mullion is faster',
  ];
}

// One line for each different complaint, with the models that it befell.
function failures(results) {
  const befallen = new Map();
  for (const [side, who] of [['ours', 'Mullion'], ['peer', 'the peer']]) {
    for (const { model, [side]: { error } } of results.filter((result) => result[side].error)) {
      const complaint = `${who} failed with "${error}"`;
      befallen.set(complaint, (befallen.get(complaint) ?? new Set()).add(model));
    }
  }
  return [...befallen].map(([complaint, models]) => `${complaint}: ${[...models].join(', ')}`);
}

function main() {
  const options = flags();
  copyPeerScripts(options.shared);
  const models = chosenModels(options.shared, options.models);
  const load = [os.loadavg()[0]];
  const results = [];
  const lines = plainTable(HEADER, models.map((m) => m.name));
  console.log(lines.header);
  for (const threads of options.threads) {
    for (const model of models) {
      const result = compareModel(model, threads, options);
      results.push(result);
      console.log(lines.row(row(result)));
    }
  }
  load.push(os.loadavg()[0]);
  for (const mean of meanRows(results)) console.log(lines.row(mean));
  const notes = facts(results, options, load);
  console.log(`\n${new Date().toISOString().slice(0, 16)}Z\n${notes.join('\n')}`);
  const failed = failures(results);
  if (failed.length) console.log(`\n${failed.join('\n')}`);
  if (options.markdown) {
    const table = markdownTable(HEADER, [...results.map(row), ...meanRows(results)]);
    const section = [`## ${new Date().toISOString().slice(0, 10)}, against ONNX Runtime`, '',
                     ...notes.map((n) => `- ${n}`), '', ...table, ''];
    if (failed.length) section.push(...failed.map((f) => `- ${f}`), '');
    fs.writeFileSync(options.markdown, section.join('\n'));
  }
  process.exitCode = results.some((r) => r.ours.error) ? 1 : 0;
}

try {
  main();
} catch (error) {
  if (!(error instanceof Failure) && !error.code?.startsWith?.('ERR_PARSE_ARGS')) throw error;
  console.error(`bench/compare: ${error.message}`);
  process.exitCode = 2;
}
