// SPDX-License-Identifier: MIT
// TensorProto files (input_0.pb) to the peer's tensors and back. Fields of onnx.proto: dims 1,
// data_type 2, string_data 6, name 8, raw_data 9.

// Element types of ONNX by number: the peer's name and the array that holds it.
const TYPES = {
  1: ['float32', Float32Array], 2: ['uint8', Uint8Array], 3: ['int8', Int8Array],
  4: ['uint16', Uint16Array], 5: ['int16', Int16Array], 6: ['int32', Int32Array],
  7: ['int64', BigInt64Array], 8: ['string', Array], 9: ['bool', Uint8Array],
  10: ['float16', Uint16Array], 11: ['float64', Float64Array], 12: ['uint32', Uint32Array],
  13: ['uint64', BigUint64Array],
};
const NUMBER_OF = Object.fromEntries(Object.entries(TYPES).map(([n, [name]]) => [name, Number(n)]));

function readVarint(bytes, at) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes[at.i++];
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return Number(BigInt.asIntN(64, value));
  }
}

// The arguments of the peer's Tensor constructor.
export function parseTensor(bytes) {
  const at = { i: 0 };
  const dims = [], strings = [];
  let type = 0, raw = new Uint8Array(0);
  while (at.i < bytes.length) {
    const tag = readVarint(bytes, at);
    const field = tag >> 3;
    if ((tag & 7) === 0) {
      const value = readVarint(bytes, at);
      if (field === 1) dims.push(value);
      if (field === 2) type = value;
    } else {
      const size = readVarint(bytes, at);
      const part = bytes.subarray(at.i, at.i + size);
      at.i += size;
      if (field === 1) for (const p = { i: 0 }; p.i < size;) dims.push(readVarint(part, p));
      if (field === 6) strings.push(new TextDecoder().decode(part));
      if (field === 9) raw = part;
    }
  }
  const [name, Kind] = TYPES[type] ?? [`ONNX element type ${type}`, Uint8Array];
  if (Kind === Array) return [name, strings, dims];
  return [name, new Kind(Uint8Array.from(raw).buffer), dims];
}

function varint(value) {
  const bytes = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
}

const bytesField = (field, bytes) => [Buffer.from([...varint(field << 3 | 2), ...varint(bytes.length)]),
                                      Buffer.from(bytes)];

export function encodeTensor(tensor) {
  const dims = tensor.dims.flatMap((dim) => [8, ...varint(dim)]);
  const parts = [Buffer.from([...dims, 16, ...varint(NUMBER_OF[tensor.type])])];
  if (tensor.type === 'string') {
    for (const text of tensor.data) parts.push(...bytesField(6, new TextEncoder().encode(text)));
  } else {
    const { buffer, byteOffset, byteLength } = tensor.data;
    parts.push(...bytesField(9, new Uint8Array(buffer, byteOffset, byteLength)));
  }
  return Buffer.concat(parts);
}
