# SPDX-License-Identifier: MIT
"""The network as an ONNX file, and its weights back from one. The protocol buffer fields are
written by hand; their numbers are those of onnx.proto (IR version 8, opset 17)."""
import numpy as np

FLOAT, INT, INTS = 1, 2, 7  # TensorProto.FLOAT; AttributeProto.INT and INTS


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def block(field, content):
    """A string, bytes or nested message."""
    data = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(data)) + data


def attribute(name, value):
    if isinstance(value, int):
        return block(1, name) + number(3, value) + number(20, INT)
    return block(1, name) + b"".join(number(8, v) for v in value) + number(20, INTS)


def node(kind, inputs, output, **attributes):
    parts = [block(1, i) for i in inputs] + [block(2, output), block(3, output), block(4, kind)]
    parts += [block(5, attribute(k, v)) for k, v in attributes.items()]
    return block(1, b"".join(parts))


def initializer(name, array):
    dims = b"".join(number(1, d) for d in array.shape)
    data = array.astype("<f4").tobytes()
    return block(5, dims + number(2, FLOAT) + block(8, name) + block(9, data))


def value(field, name, dims, about, denotation=None):
    """A graph input (field 11) or output (12): a float tensor. `dims` are (size, meaning)."""
    shape = b"".join(block(1, number(1, size) + (block(3, meaning) if meaning else b""))
                     for size, meaning in dims)
    kind = block(1, number(1, FLOAT) + block(2, shape))
    if denotation:
        kind += block(6, denotation)
    return block(field, block(1, name) + block(2, kind) + block(3, about))


def layers():
    nodes = [node("Mul", ["image", "one_255th"], "scaled")]
    last = "scaled"
    for i in (1, 2, 3):
        nodes += [
            node("Conv", [last, f"conv{i}.weight", f"conv{i}.bias"], f"conv{i}",
                 kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1]),
            node("Relu", [f"conv{i}"], f"relu{i}"),
            node("MaxPool", [f"relu{i}"], f"pool{i}", kernel_shape=[2, 2], strides=[2, 2]),
        ]
        last = f"pool{i}"
    return nodes + [
        node("Flatten", [last], "flat", axis=1),
        node("Gemm", ["flat", "dense1.weight", "dense1.bias"], "dense1", transB=1),
        node("Relu", ["dense1"], "relu4"),
        node("Gemm", ["relu4", "dense2.weight", "dense2.bias"], "dense2", transB=1),
        node("Softmax", ["dense2"], "probabilities", axis=1),
    ]


def write_model(path, weights):
    tensors = {"one_255th": np.array(1 / 255, np.float32), **weights}
    image = [(1, "DATA_BATCH"), (1, "DATA_CHANNEL"), (32, "DATA_FEATURE"), (32, "DATA_FEATURE")]
    graph = b"".join(
        layers() + [block(2, "digits")] + [initializer(k, v) for k, v in tensors.items()] + [
            value(11, "image", image, "one grey digit, white on black, values 0 to 255", "IMAGE"),
            value(12, "probabilities", [(1, "DATA_BATCH"), (10, None)],
                  "how likely the picture shows 0, 1, ... 9"),
        ])
    metadata = {
        "Image.BitmapPixelFormat": "Gray8",
        "Image.ColorSpaceGamma": "SRGB",
        "Image.NominalPixelRange": "NominalRange_0_255",
        "labels": "labels.txt",
        "license": "MIT; trained on Optical Recognition of Handwritten Digits (CC BY 4.0)",
    }
    model = number(1, 8) + block(2, "Mullion samples/digits") + block(3, "1")
    model += number(5, 1) + block(6, "Reads one handwritten digit.") + block(7, graph)
    model += block(8, block(1, "") + number(2, 17))
    for key, text in metadata.items():
        model += block(14, block(1, key) + block(2, text))
    path.write_bytes(model)
    print(f"{path.name}: {len(model)} bytes, {sum(v.size for v in weights.values())} parameters")


def fields(data):
    """(number, value) of each field of a message; only the wire types that write_model uses."""
    at = 0

    def read_varint():
        nonlocal at
        result = shift = 0
        while True:
            byte = data[at]
            at += 1
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result

    while at < len(data):
        key = read_varint()
        size = read_varint()
        if key & 7 == 2:
            yield key >> 3, data[at:at + size]
            at += size
        else:
            yield key >> 3, size


def read_weights(path):
    graph = dict(fields(path.read_bytes()))[7]
    weights = {}
    for tensor in (content for field, content in fields(graph) if field == 5):
        parts = list(fields(tensor))
        dims = [v for f, v in parts if f == 1]
        one = dict(parts)
        weights[one[8].decode()] = np.frombuffer(one[9], "<f4").reshape(dims)
    weights.pop("one_255th")
    return weights
