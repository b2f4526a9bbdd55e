// SPDX-License-Identifier: MIT
// Every operator that both engines run, one node a model, at sizes of real use: the cases of
// tests/differential in their realistic form. Started by bench/operators, which sees to the peer.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, PEER, prepareEngines, ROOT } from './measure.mjs';
import { complaintsOf, Report } from './report.mjs';
import { compareModel, row, SPEED_HEADER } from './speed.mjs';
import { geometricMean } from './table.mjs';

const USAGE = `usage: bench/operators [flags]
  --operators a,b    only these; "Conv", "com.microsoft.*" (default all)
  --cases N          cases of each (default 1, the typical one; others choose attributes at random)
  --type T,U         elements of typical cases where there is a choice, one case each (default float);
                     float,double,float16,int64,int32,uint8,bool are what models have
  --threads 1,2      thread counts (default 1)
  --rounds N         measurements of each engine per case and thread count, in turns (default 2)
  --runs N           timed runs in one measurement, at most (default 2000)
  --warmup N         untimed runs before them (default 2)
  --seconds S        time for the runs of one measurement (default 0.1)
  --markdown FILE    also write the result as a section in Markdown
  --build DIR        build whose library is measured (default build/release, which is brought up to date)
Exits 1 when a model fails in Mullion alone.`;

function flags() {
  const text = (value) => ({ type: 'string', ...(value === undefined ? {} : { default: value }) });
  const { values } = parseArgs({ options: {
    help: { type: 'boolean' }, operators: text('*'), cases: text('1'), type: text('float'),
    threads: text('1'), rounds: text('2'), runs: text('2000'), warmup: text('2'), seconds: text('0.1'),
    markdown: text(), build: text(path.join(ROOT, 'build/release')) } });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  values.threads = values.threads.split(',').map((n) => positive('threads', n));
  values.type = values.type.split(',');
  for (const name of ['cases', 'rounds', 'runs', 'warmup']) values[name] = positive(name, values[name]);
  values.seconds = Number(values.seconds);
  if (!(values.seconds > 0)) throw new Failure('--seconds must be a positive number');
  values.build = path.resolve(values.build);
  return values;
}

function positive(name, value) {
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1) throw new Failure(`--${name}: "${value}" is not 1 or more`);
  return n;
}

// The peer lacks the newest version of some operators: then both run an older one.
const OPSETS = [25, 21, 15, 11];

// The models of one operator: {name, about, file, args}, in a folder that the next call empties.
function writeCases(maker, operator, opset, type, { cases }) {
  const work = path.join(PEER, 'operators');
  execFileSync(maker, ['--realistic', '--work', work, '--only', operator, '--count', cases, '--type', type,
                       '--opset', opset]);
  if (!fs.existsSync(work)) return [];  // no case of a realistic size
  const short = operator.replace(/^ai\.onnx\.(?=[A-Z])/, '');
  return fs.readdirSync(work).sort().map((name, i) => {
    const folder = path.join(work, name);
    return { name: cases === 1 ? short : `${short}#${i}`, file: path.join(folder, 'model.onnx'),
             about: fs.readFileSync(path.join(folder, 'about.txt'), 'utf8').trim(),
             args: ['--data', path.join(folder, 'test_data_set_0')] };
  });
}

// `known`: what was measured by now, as an operator without a choice of types comes for each.
function timeOperator(engines, maker, operator, type, known, options) {
  let results = [];
  for (const opset of OPSETS) {
    const models = writeCases(maker, operator, opset, type, options).filter(({ about }) => !known.has(about));
    results = models.flatMap((model) => options.threads.map((threads) => ({
      ...compareModel(engines, model, model.file, threads, options), about: model.about })));
    if (!results.some((r) => /Could not find an implementation/.test(r.peer.error ?? ''))) break;
  }
  return results;
}

const ratioOf = ({ ours, peer }) => peer.min / ours.min;

function summarize(results, threads) {
  const both = results.filter((r) => r.threads === threads && !r.ours.error && !r.peer.error);
  if (both.length === 0) return [];
  const slower = both.filter((r) => ratioOf(r) < 1).sort((a, b) => ratioOf(a) - ratioOf(b));
  const mean = geometricMean(both.map(ratioOf)).toFixed(2);
  const far = slower.filter((r) => ratioOf(r) < 0.7).length;
  return [`${threads} thread${threads > 1 ? 's' : ''}: ${both.length} cases, geometric mean ${mean}; ` +
            `below 1: ${slower.length}, below 0.7: ${far}`,
          ...slower.map((r) => `  ${ratioOf(r).toFixed(2)}  ${r.about}`)];
}

function main() {
  const options = flags();
  const engines = prepareEngines({ build: options.build });
  const maker = path.join(options.build, 'bin/differential');
  execFileSync('cmake', ['--build', options.build, '--target', 'differential'], { stdio: 'ignore' });
  const names = execFileSync(maker, ['--names', '--work', '-', '--only', options.operators],
                             { encoding: 'utf8' }).trim().split('\n')
    .filter((name) => name && !name.endsWith(':old') && !name.includes('chain:'));
  if (names.length === 0) throw new Failure(`no operator matches "${options.operators}"`);
  const report = new Report();
  report.begin('Operators', SPEED_HEADER, names.map((name) => ({ name })));
  const results = [];
  const known = new Set();
  for (const [operator, type] of names.flatMap((name) => options.type.map((t) => [name, t]))) {
    for (const result of timeOperator(engines, maker, operator, type, known, options)) {
      results.push(result);
      known.add(result.about);
      if (!result.peer.error) report.row(row(result));
    }
  }
  const version = (side) => results.map((r) => r[side].version).find(Boolean);
  const notes = options.threads.flatMap((threads) => summarize(results, threads));
  report.end(engines, { ours: version('ours'), peer: version('peer') }, options,
             [...complaintsOf(results), ...notes]);
  process.exitCode = results.some((r) => r.ours.error && !r.peer.error) ? 1 : 0;
}

try {
  main();
} catch (error) {
  if (!(error instanceof Failure) && !error.code?.startsWith?.('ERR_PARSE_ARGS')) throw error;
  console.error(`bench/operators: ${error.message}`);
  process.exitCode = 2;
}
