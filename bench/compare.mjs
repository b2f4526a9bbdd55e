// SPDX-License-Identifier: MIT
// Mullion and ONNX Runtime on the same models, in turns, so that what else the machine does in
// these minutes falls on both. Started by bench/compare, which sees to the peer.
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, prepareEngines, ROOT } from './measure.mjs';
import { chosen, copyPeerScripts, families, knownModels } from './models.mjs';
import { complaintsOf, Report } from './report.mjs';
import { runPart, RUNTIME_PARTS } from './runtime.mjs';
import { compareSpeed, SPEED_HEADER } from './speed.mjs';

const USAGE = `usage: bench/compare [parts] [flags]
Parts (default --speed):
  --speed            run times of the models
  --families         run times at other sizes: batches, odd pictures, short and long texts
  --load             load and first run, from ONNX and compiled
  --memory           resident memory with one session, with two, with mixed sizes, closed
  --quiet            CPU time of idling and of a run every 33 ms
  --beside           two threads against one beside a busy loop
  --sessions         CPU time of four sessions used in turn
  --shapes           what sizes cost that were never seen before
  --calls            what a call costs
  --all              all of these
Flags:
  --models a,b       only these for --speed or --families (names as in models.json, or as printed)
  --threads 1,2      thread counts (default 1 and all cores)
  --rounds N         measurements of each engine per model and thread count (default 3)
  --runs N           timed runs in one measurement, at most (default 200)
  --warmup N         untimed runs before them (default 5)
  --seconds S        time for the runs of one measurement (default 2)
  --markdown FILE    also write the result as a section in Markdown
  --shared DIR       folder that holds models/ and bench/ (default ../shared)
  --build DIR        build whose library is measured (default build/release, which is brought up to date)
  --peer node        measure the peer through its Node binding instead of its C interface
Exits 1 when a model fails in Mullion.`;

const PARTS = ['speed', 'families', ...RUNTIME_PARTS];

function flags() {
  const text = (value) => ({ type: 'string', ...(value === undefined ? {} : { default: value }) });
  const parts = Object.fromEntries([...PARTS, 'all', 'help'].map((p) => [p, { type: 'boolean' }]));
  const { values } = parseArgs({ options: {
    ...parts, models: text(), threads: text(), rounds: text('3'), runs: text('200'), warmup: text('5'),
    seconds: text('2'), markdown: text(), shared: text(path.join(ROOT, '../shared')),
    build: text(path.join(ROOT, 'build/release')), peer: text('native'),
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
  values.build = path.resolve(values.build);
  values.parts = PARTS.filter((part) => values[part] || values.all);
  if (values.parts.length === 0) values.parts = ['speed'];
  return values;
}

function positive(name, value) {
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1) throw new Failure(`--${name}: "${value}" is not 1 or more`);
  return n;
}

async function main() {
  const options = flags();
  copyPeerScripts(options.shared);
  const engines = prepareEngines(options);
  const report = new Report();
  const results = [];
  const show = (cells) => report.row(cells);
  for (const part of options.parts) {
    if (RUNTIME_PARTS.includes(part)) {
      await runPart(engines, part, options, (...title) => report.begin(...title), show);
      continue;
    }
    const models = chosen((part === 'speed' ? knownModels : families)(options.shared), options.models);
    report.begin(part === 'speed' ? 'Run times' : 'Run times at other sizes', SPEED_HEADER, models);
    results.push(...await compareSpeed(engines, models, options, show));
  }
  const version = (side) => results.map((r) => r[side].version).find(Boolean);
  report.end(engines, { ours: version('ours'), peer: version('peer') }, options, complaintsOf(results));
  process.exitCode = results.some((r) => r.ours.error) ? 1 : 0;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Failure) && !error.code?.startsWith?.('ERR_PARSE_ARGS')) throw error;
  console.error(`bench/compare: ${error.message}`);
  process.exitCode = 2;
}
