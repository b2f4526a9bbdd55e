// SPDX-License-Identifier: MIT
// The programs that measure, and their answers.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const PEER = path.join(ROOT, 'build/peer');

export class Failure extends Error {}

const quietly = { stdio: ['ignore', 'ignore', 'inherit'] };

// Builds bench/engine, and Mullion's library where it is of this work tree. Gives both engines: as
// {name, measure(experiment, file, flags)}, `peer` by its Node binding where that has to be.
export function prepareEngines({ build, peer }) {
  const release = path.join(ROOT, 'build/release');
  if (!fs.existsSync(path.join(build, 'build.ninja'))) {
    throw new Failure(`no build in ${build}; scripts/build makes it`);
  }
  if (build === release) execFileSync('cmake', ['--build', build, '--target', 'product'], quietly);
  const folder = path.join(PEER, 'engine');
  const native = path.join(PEER, 'native');
  execFileSync('cmake', ['-S', path.join(ROOT, 'bench/engine'), '-B', folder, '-G', 'Ninja',
                         `-DMULLION_LIBRARY=${path.join(build, 'lib/libmullion.so')}`,
                         `-DPEER_DIR=${native}`], quietly);
  execFileSync('cmake', ['--build', folder], quietly);
  const ours = { name: 'Mullion', measure: nativeMeasure(path.join(folder, 'bench_mullion')) };
  const useNode = peer === 'node' || !fs.existsSync(native);
  return { ours, peer: useNode ? { name: 'ONNX Runtime (Node binding)', measure: nodeMeasure }
    : { name: 'ONNX Runtime', measure: nativeMeasure(path.join(folder, 'bench_peer')) } };
}

function nativeMeasure(program) {
  return (experiment, file, flags) => measure(program, [experiment, file, ...flags]);
}

function nodeMeasure(experiment, file, flags) {
  if (experiment !== 'latency') return { error: `the Node binding is not asked for ${experiment}` };
  return measure('node', [path.join(PEER, 'ort_bench.mjs'), file, '--json', ...flags]);
}

// One measurement: the JSON of the program's answer, or {error}.
function measure(program, args) {
  const done = spawnSync(program, args.map(String), { encoding: 'utf8', maxBuffer: 1 << 26 });
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
