// SPDX-License-Identifier: MIT
// Runs every case of a folder in ONNX Runtime: node peer.mjs PEER WORK. Writes output_K.pb beside
// the inputs, and peer.txt with "ok" or what the peer complains about. Cases that have a peer.txt
// are done: after a crash the next process goes on behind the case that WORK/current names.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { encodeTensor, parseTensor } from './tensor_file.mjs';

const [peer, work] = process.argv.slice(2);
const { InferenceSession, Tensor } = createRequire(path.join(peer, 'package.json'))('onnxruntime-node');
// One thread and no rewrites: what the operator's own kernel says.
const OPTIONS = { executionProviders: ['cpu'], graphOptimizationLevel: 'disabled',
                  intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 };

async function run(folder) {
  const twin = path.join(folder, 'peer.onnx');
  const session = await InferenceSession.create(
    fs.existsSync(twin) ? twin : path.join(folder, 'model.onnx'), OPTIONS);
  const data = path.join(folder, 'test_data_set_0');
  const feeds = {};
  session.inputNames.forEach((name, i) => {
    feeds[name] = new Tensor(...parseTensor(fs.readFileSync(path.join(data, `input_${i}.pb`))));
  });
  const results = await session.run(feeds);
  session.outputNames.forEach((name, i) => {
    fs.writeFileSync(path.join(data, `output_${i}.pb`), encodeTensor(results[name]));
  });
  await session.release();
}

for (const name of fs.readdirSync(work).sort()) {
  const folder = path.join(work, name);
  const answer = path.join(folder, 'peer.txt');
  if (!fs.existsSync(path.join(folder, 'model.onnx')) || fs.existsSync(answer)) continue;
  fs.writeFileSync(path.join(work, 'current'), name);
  let outcome = 'ok';
  try {
    await run(folder);
  } catch (error) {
    outcome = String(error.message).split('\n')[0];
  }
  fs.writeFileSync(answer, outcome);
}
