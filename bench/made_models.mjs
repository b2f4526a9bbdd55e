// SPDX-License-Identifier: MIT
// Models that only show what an engine costs beside its arithmetic, and models set free of their
// fixed sizes. Bytes are written by shared/bench/onnx_pb.mjs, a copy of which is in `folder`.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const FLOAT = 1;
// Numbers of fields in onnx.proto: of ModelProto the first, of GraphProto the others.
const GRAPH = 7;
const [NODE, INITIALIZER, INPUT, OUTPUT, VALUE_INFO] = [1, 5, 11, 12, 13];
const OPSETS = 8;
const ATTRIBUTE = 5;  // of NodeProto

function tensorInfo(Writer, name, dims) {
  const shape = new Writer();
  for (const dim of dims) {
    shape.msg(1, typeof dim === 'number' ? new Writer().int(1, dim) : new Writer().str(2, dim));
  }
  const type = new Writer().msg(1, new Writer().int(1, FLOAT).msg(2, shape));
  return new Writer().str(1, name).msg(2, type);
}

// `nodes`: [operator, inputs, output]. Inputs and outputs are float tensors of one shape.
function write(Writer, file, nodes, inputs, output, dims) {
  const graph = new Writer();
  for (const [operator, from, to] of nodes) {
    const node = new Writer();
    for (const name of from) node.str(1, name);
    graph.msg(1, node.str(2, to).str(4, operator));
  }
  graph.str(2, 'made');
  for (const name of inputs) graph.msg(11, tensorInfo(Writer, name, dims));
  graph.msg(12, tensorInfo(Writer, output, dims));
  const opset = new Writer().str(1, '').int(2, 17);
  const model = new Writer().int(1, 8).msg(7, graph).msg(8, opset);
  fs.writeFileSync(file, model.finish());
}

// Of operators that no engine can fuse into one: each value is read twice.
function chain(length) {
  const nodes = [];
  let [older, newer] = ['x', 'y'];
  for (let i = 0; i < length; i++) {
    nodes.push([i % 2 ? 'Max' : 'Add', [older, newer], `v${i}`]);
    [older, newer] = [newer, `v${i}`];
  }
  return nodes;
}

const MODELS = {
  add_one: [[['Add', ['x', 'y'], 'z']], ['x', 'y'], 'z', [1]],
  nodes_1000: [chain(1000), ['x', 'y'], 'v999', ['n']],
  nodes_20000: [chain(20000), ['x', 'y'], 'v19999', ['n']],
};

const protobuf = (folder) => import(pathToFileURL(path.join(folder, 'onnx_pb.mjs')));

export async function madeModel(folder, name) {
  const file = path.join(folder, `${name}.onnx`);
  if (fs.existsSync(file)) return file;
  const { Writer } = await protobuf(folder);
  write(Writer, `${file}.part`, ...MODELS[name]);
  fs.renameSync(`${file}.part`, file);
  return file;
}

// Names of the shapes that Reshape takes from initializers.
function reshapeTargets(fields, decode, Schema) {
  const nodes = fields.filter((f) => f.num === NODE).map((f) => decode(Schema.Node, f.payload));
  return new Set(nodes.filter((n) => n.opType === 'Reshape').map((n) => n.input[1]));
}

// A shape of one item reads [1, ...]: 0 takes the batch from the input instead.
function freeBatch({ encodeTensor, DT }, tensor) {
  const bytes = Buffer.from(tensor.rawData ?? []);
  const sizes = tensor.rawData ? Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readBigInt64LE(8 * i))
    : tensor.int64Data.map(BigInt);
  if (sizes[0] === 1n) sizes[0] = 0n;
  return encodeTensor(tensor.name, [sizes.length], DT.INT64, BigInt64Array.from(sizes));
}

// The model of `source` with the axes of its only input as `dims` say; outputs and what lies between
// lose their shapes.
export async function freeAxes(folder, source, file, dims) {
  const library = await protobuf(folder);
  const { Writer, Schema, decode } = library;
  const model = fs.readFileSync(source);
  const before = [...library.fields([...library.fields(model)].find((f) => f.num === GRAPH).payload)];
  const targets = reshapeTargets(before, decode, Schema);
  const weights = new Set();
  const graph = new Writer();
  for (const field of before.filter((f) => f.num === INITIALIZER)) {
    const tensor = decode(Schema.Tensor, field.payload);
    weights.add(tensor.name);
    if (targets.has(tensor.name)) graph.bytes(INITIALIZER, freeBatch(library, tensor));
    else graph.push(field.raw);
  }
  for (const field of before.filter((f) => f.num !== INITIALIZER && f.num !== VALUE_INFO)) {
    const named = field.num === INPUT || field.num === OUTPUT;
    const name = named ? decode(Schema.ValueInfo, field.payload).name : undefined;
    if (!named || weights.has(name)) {
      graph.push(field.raw);
    } else if (field.num === INPUT) {
      graph.msg(INPUT, tensorInfo(Writer, name, dims));
    } else {
      const type = new Writer().msg(1, new Writer().int(1, FLOAT));
      graph.msg(OUTPUT, new Writer().str(1, name).msg(2, type));
    }
  }
  const freed = new Writer();
  for (const field of library.fields(model)) if (field.num !== GRAPH) freed.push(field.raw);
  fs.writeFileSync(file, freed.msg(GRAPH, graph).finish());
}

// Writes `source` to `file` as a model of opset 11 whose Softmax nodes say over which axis they go,
// as shared/bench/quantize_static.mjs wants them.
export async function raiseToOpset11(folder, source, file) {
  const { Writer, Schema, decode, fields } = await protobuf(folder);
  const axis = new Writer().str(1, 'axis').int(3, 1).int(20, 2);
  const raised = new Writer();
  for (const field of fields(fs.readFileSync(source))) {
    if (field.num === OPSETS) continue;
    if (field.num !== GRAPH) {
      raised.push(field.raw);
      continue;
    }
    const graph = new Writer();
    for (const part of fields(field.payload)) {
      if (part.num !== NODE || decode(Schema.Node, part.payload).opType !== 'Softmax') {
        graph.push(part.raw);
        continue;
      }
      const node = new Writer();
      for (const each of fields(part.payload)) if (each.num !== ATTRIBUTE) node.push(each.raw);
      graph.msg(NODE, node.msg(ATTRIBUTE, axis));
    }
    raised.msg(GRAPH, graph);
  }
  fs.writeFileSync(file, raised.msg(OPSETS, new Writer().str(1, '').int(2, 11)).finish());
}
