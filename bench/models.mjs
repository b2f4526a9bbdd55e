// SPDX-License-Identifier: MIT
// The models that are measured: {name, args, make}, where `make` gives the file and writes it first
// where it is generated.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { freeAxes, madeModel, raiseToOpset11 } from './made_models.mjs';
import { Failure, PEER } from './measure.mjs';

// The peer's scripts, generators among them, find each other only in one folder.
export function copyPeerScripts(shared) {
  const from = path.join(shared, 'bench');
  if (!fs.existsSync(from)) throw new Failure(`no folder ${from}; name it with --shared`);
  for (const file of fs.readdirSync(from).filter((f) => f.endsWith('.mjs'))) {
    fs.writeFileSync(path.join(PEER, file), fs.readFileSync(path.join(from, file)));
  }
}

async function written(name, write) {
  const file = path.join(PEER, `${name}.onnx`);
  if (!fs.existsSync(file)) {
    await write(`${file}.part`);
    fs.renameSync(`${file}.part`, file);
  }
  return file;
}

function generate(name, ...words) {
  return written(name, (to) => {
    const at = words.findIndex((word) => word.startsWith('--'));
    const args = at < 0 ? [...words, to] : [...words.slice(0, at), to, ...words.slice(at)];
    execFileSync('node', [path.join(PEER, 'gen_models.mjs'), ...args], { stdio: 'ignore' });
  });
}

// `base` with its convolutions and products quantized statically, their bytes kept as QDQ.
async function quantized(base) {
  const source = await base.make();
  return written(`${base.name}_qdq`, async (to) => {
    const raised = await written(`${base.name}_11`, (file) => raiseToOpset11(PEER, source, file));
    execFileSync('node', [path.join(PEER, 'quantize_static.mjs'), raised, to], { stdio: 'ignore' });
    fs.rmSync(raised);
  });
}

const dims = (sizes) => Object.entries(sizes).flatMap(([name, size]) => ['--dim', `${name}=${size}`]);

export function knownModels(shared) {
  const folder = path.join(shared, 'models');
  const list = JSON.parse(fs.readFileSync(path.join(folder, 'models.json')));
  const models = list.map(({ file, run_args: args }) => {
    const name = file.replace(/\.onnx$/, '');
    const source = path.join(folder, file);
    // "Light" models make their weights by ConstantOfShape: an engine could fold them to nothing.
    return name.startsWith('light_') ? { name, args, make: () => generate(name, 'materialize', source) }
                                     : { name, args, make: async () => source };
  });
  const resnet = models.find((model) => model.name === 'light_resnet50');
  models.push(
    { name: 'light_resnet50_qdq', args: resnet.args, make: () => quantized(resnet) },
    { name: 'encoder', args: dims({ batch: 1, sequence: 128 }), make: () => generate('encoder', 'encoder') },
    { name: 'decoder', args: dims({ batch: 1, sequence: 1, past_sequence: 127 }),
      make: () => generate('decoder', 'decoder') });
  return models;
}

// The same models at other sizes, to see whether a family of shapes is fast or one of them.
export function families(shared) {
  const known = new Map(knownModels(shared).map((model) => [model.name, model]));
  const sized = (base, label, sizes, args = []) =>
    ({ name: `${base}@${label}`, args: [...dims(sizes), ...args], make: known.get(base).make });
  // A model of fixed size whose batch, height and width are made free.
  const freed = (base, label, { batch = 1, height, width }) => ({
    name: `${base}@${label}`, args: [...known.get(base).args, ...dims({ batch, height, width })],
    make: async () => {
      const source = await known.get(base).make();
      return written(`${base}_freed`, (to) => freeAxes(PEER, source, to, ['batch', 3, 'height', 'width']));
    } });
  const long = (label, sizes) => ({
    name: `encoder@${label}`, args: dims(sizes),
    make: () => generate('encoder_long', 'encoder', '--positions', '1024') });
  return [
    freed('light_resnet50', 'batch8', { batch: 8, height: 224, width: 224 }),
    freed('light_shufflenet', 'batch8', { batch: 8, height: 224, width: 224 }),
    freed('squeezenet_fp32', 'batch8', { batch: 8, height: 224, width: 224 }),
    freed('squeezenet_fp32', '227', { height: 227, width: 227 }),
    freed('squeezenet_fp32', '333', { height: 333, width: 333 }),
    sized('mobilenetv2_int8_dynamic', 'batch8', { batch_size: 8 }),
    sized('cifar10_classifier', 'batch8', { batch_size: 8 }),
    sized('yunet_n_dynamic', 'batch8', { batch: 8, height: 320, width: 320 }, ['--range', '0:255']),
    sized('yunet_n_dynamic', '640x480', { height: 480, width: 640 }, ['--range', '0:255']),
    freed('ocr_dbnet', '224x736', { height: 224, width: 736 }),
    sized('bert_tiny_random_mlm', '7', { batch: 1, tokens: 7 }),
    long('7', { batch: 1, sequence: 7 }),
    long('1000', { batch: 1, sequence: 1000 }),
    long('batch8', { batch: 8, sequence: 128 }),
    sized('decoder', '1000', { batch: 1, sequence: 1, past_sequence: 1000 }),
    sized('decoder', 'prompt100', { batch: 1, sequence: 100, past_sequence: 0 }),
  ];
}

export function chosen(models, wanted) {
  if (!wanted) return models;
  return wanted.split(',').map((w) => {
    const name = w.replace(/\.onnx$/, '');
    const found = models.find((m) => m.name === name);
    if (!found) throw new Failure(`no model "${w}"; there are ${models.map((m) => m.name).join(', ')}`);
    return found;
  });
}

export const made = (name, args = []) => ({ name, args, make: () => madeModel(PEER, name) });
