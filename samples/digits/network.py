# SPDX-License-Identifier: MIT
"""A small convolutional network in numpy: forward, backward, and one Adam step.

The graph that onnx_file.py writes is this network:
pixels / 255, three times (3x3 convolution, ReLU, 2x2 max pooling), two dense layers, softmax.
"""
import numpy as np

CHANNELS = [1, 8, 16, 32]
SIDE = 32
HIDDEN = 48
FLAT = CHANNELS[-1] * (SIDE // 8) ** 2


def patches(x):
    """[n, c, h, w] to [n, h, w, c * 9]: the 3x3 neighbourhood of each pixel, zeros outside."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    n, c, h, w = x.shape
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n, h, w, c * 9)


def convolve(columns, weight, bias):
    return (columns @ weight.reshape(len(weight), -1).T + bias).transpose(0, 3, 1, 2)


def convolve_back(columns, weight, gradient):
    """Gradients of weight, bias and input."""
    flat = gradient.transpose(0, 2, 3, 1)
    rows = flat.reshape(-1, flat.shape[-1])
    d_weight = (rows.T @ columns.reshape(len(rows), -1)).reshape(weight.shape)
    turned = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    return d_weight, rows.sum(axis=0), convolve(patches(gradient), turned, 0)


def pool(x):
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
    return blocks.max(axis=(3, 5))


def pool_back(x, pooled, gradient):
    """Every maximum of a block gets the gradient; ties are as good as absent after ReLU's zeros."""
    wide = pooled.repeat(2, axis=2).repeat(2, axis=3)
    return (x == wide) * gradient.repeat(2, axis=2).repeat(2, axis=3)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


class Network:
    def __init__(self, random):
        """`weights` holds the float32 arrays by the names of the ONNX initializers."""
        self.weights = {}
        for i in range(3):
            fan = CHANNELS[i] * 9
            shape = (CHANNELS[i + 1], CHANNELS[i], 3, 3)
            self._add(f"conv{i + 1}", random.normal(0, np.sqrt(2 / fan), shape), CHANNELS[i + 1])
        self._add("dense1", random.normal(0, np.sqrt(2 / FLAT), (HIDDEN, FLAT)), HIDDEN)
        self._add("dense2", random.normal(0, np.sqrt(1 / HIDDEN), (10, HIDDEN)), 10)
        self._moments = {k: [np.zeros_like(v), np.zeros_like(v)] for k, v in self.weights.items()}
        self._steps = 0

    def _add(self, name, weight, width):
        self.weights[f"{name}.weight"] = weight.astype(np.float32)
        self.weights[f"{name}.bias"] = np.zeros(width, np.float32)

    def _forward(self, pixels):
        """Probabilities, and what the way back needs."""
        w, x, kept = self.weights, pixels * np.float32(1 / 255), []
        for i in range(1, 4):
            columns = patches(x)
            relu = np.maximum(convolve(columns, w[f"conv{i}.weight"], w[f"conv{i}.bias"]), 0)
            x = pool(relu)
            kept.append((columns, relu, x))
        flat = x.reshape(len(x), -1)
        hidden = np.maximum(flat @ w["dense1.weight"].T + w["dense1.bias"], 0)
        return softmax(hidden @ w["dense2.weight"].T + w["dense2.bias"]), kept, flat, hidden

    def probabilities(self, pixels):
        return self._forward(pixels)[0]

    def learn(self, pixels, digits, rate):
        """One step towards `digits`; the mean cross-entropy before it."""
        w, grad = self.weights, {}
        p, kept, flat, hidden = self._forward(pixels)
        rows = np.arange(len(digits))
        loss = -np.log(p[rows, digits] + 1e-12).mean()
        d = p.copy()
        d[rows, digits] -= 1
        d /= len(digits)
        grad["dense2.weight"], grad["dense2.bias"] = d.T @ hidden, d.sum(axis=0)
        d = (d @ w["dense2.weight"]) * (hidden > 0)
        grad["dense1.weight"], grad["dense1.bias"] = d.T @ flat, d.sum(axis=0)
        d = (d @ w["dense1.weight"]).reshape(kept[-1][2].shape)
        for i in (3, 2, 1):
            columns, relu, pooled = kept[i - 1]
            d = pool_back(relu, pooled, d) * (relu > 0)
            grad[f"conv{i}.weight"], grad[f"conv{i}.bias"], d = convolve_back(
                columns, w[f"conv{i}.weight"], d)
        self._adam(grad, rate)
        return loss

    def _adam(self, grad, rate):
        """Kingma and Ba 2015, with weight decay kept apart (Loshchilov and Hutter 2019)."""
        self._steps += 1
        for name, g in grad.items():
            m, v = self._moments[name]
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            step = (m / (1 - 0.9**self._steps)) / (np.sqrt(v / (1 - 0.999**self._steps)) + 1e-8)
            decay = 1e-3 if name.endswith("weight") else 0
            self.weights[name] -= (rate * (step + decay * self.weights[name])).astype(np.float32)
