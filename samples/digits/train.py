#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Trains the digit reader of this folder and writes it as an ONNX file, with nothing but numpy.

    ./train.py            trains, writes digits.onnx, labels.txt and images/*.png
    ./train.py --check    only measures digits.onnx on the held-out digits and on the PNG files

The data is scikit-learn's copy of "Optical Recognition of Handwritten Digits": 1797 digits of 8x8
pixels with 17 levels of ink. They are drawn as pictures of 64x64 pixels, white on black, and
reach the network as any picture does: scaled to 32x32, values 0 to 255.
Needs Debian's python3-sklearn.
"""
import argparse
import pathlib

import numpy as np
from scipy import ndimage
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from network import Network
from onnx_file import read_weights, write_model
from png_file import read_gray_png, write_gray_png

HERE = pathlib.Path(__file__).resolve().parent
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
PICTURE = 64
EPOCHS = 60
BATCH = 32


def draw(ink):
    """8x8 counts of ink 0..16 to a 64x64 grey picture, uint8."""
    smooth = ndimage.zoom(ink / 16.0, PICTURE / 8, order=3, mode="nearest", grid_mode=True)
    return np.clip(np.rint(255 * smooth), 0, 255).astype(np.uint8)


def tensorize(picture, size=32):
    """Bilinear scaling with half-pixel centres, values 0..255: what binding a picture does."""
    source = np.clip((np.arange(size) + 0.5) * (picture.shape[0] / size) - 0.5, 0, None)
    low = np.minimum(source.astype(int), picture.shape[0] - 1)
    high = np.minimum(low + 1, picture.shape[0] - 1)
    part = (source - low).astype(np.float32)
    pixels = picture.astype(np.float32)
    rows = pixels[low] * (1 - part)[:, None] + pixels[high] * part[:, None]
    return rows[:, low] * (1 - part) + rows[:, high] * part


def distort(pictures, random):
    """Turned, sheared, scaled, moved, and paler copies, so that other people's pictures work too."""
    result = np.empty_like(pictures)
    centre = (np.array(pictures.shape[2:]) - 1) / 2
    for i, picture in enumerate(pictures[:, 0]):
        angle, shear = random.uniform(-0.2, 0.2), random.uniform(-0.15, 0.15)
        scale = 1 / random.uniform(0.85, 1.15)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = scale * turn @ np.array([[1, shear], [0, 1]])
        offset = centre - matrix @ (centre + random.uniform(-2, 2, size=2))
        moved = ndimage.affine_transform(picture, matrix, offset, order=1)
        result[i, 0] = np.clip(moved * random.uniform(0.7, 1.1) + random.uniform(0, 15), 0, 255)
    return result


def load():
    """Pictures and tensors of the digits, split: one in five is held out."""
    data = load_digits()
    pictures = np.stack([draw(ink) for ink in data.images])
    tensors = np.stack([tensorize(p) for p in pictures])[:, None].astype(np.float32)
    index = np.arange(len(pictures))
    train, test = train_test_split(index, test_size=0.2, random_state=7, stratify=data.target)
    return pictures, tensors, data.target, train, test


def train_network(tensors, digits, random):
    network = Network(random)
    steps = EPOCHS * (len(tensors) // BATCH)
    step = 0
    for epoch in range(EPOCHS):
        order = random.permutation(len(tensors))
        varied = distort(tensors[order], random)
        losses = []
        for start in range(0, len(order) - BATCH + 1, BATCH):
            rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * step / steps))
            rows = slice(start, start + BATCH)
            losses.append(network.learn(varied[rows], digits[order[rows]], rate))
            step += 1
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}", flush=True)
    return network


def accuracy(network, tensors, digits):
    return float(np.mean(network.probabilities(tensors).argmax(axis=1) == digits))


def write_pictures(pictures, digits, train, test):
    """Of every digit the most typical held-out picture: the nearest to the mean of the training
    ones. The network has no say in it."""
    for digit in range(10):
        mean = pictures[train][digits[train] == digit].mean(axis=0)
        held_out = pictures[test][digits[test] == digit]
        distance = np.square(held_out - mean).sum(axis=(1, 2))
        write_gray_png(HERE / "images" / f"{digit}.png", held_out[distance.argmin()])


def report(network, tensors, digits, train, test):
    print(f"training digits: {accuracy(network, tensors[train], digits[train]):.2%} of {len(train)}")
    print(f"held-out digits: {accuracy(network, tensors[test], digits[test]):.2%} of {len(test)}")
    for file in sorted((HERE / "images").glob("*.png")):
        picture = tensorize(read_gray_png(file))[None, None].astype(np.float32)
        values = network.probabilities(picture)[0]
        print(f"{file.name}: {WORDS[values.argmax()]} {values.max():.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="measure digits.onnx, train nothing")
    arguments = parser.parse_args()
    pictures, tensors, digits, train, test = load()
    random = np.random.default_rng(1)
    if not arguments.check:
        network = train_network(tensors[train], digits[train], random)
        write_model(HERE / "digits.onnx", network.weights)
        (HERE / "images").mkdir(exist_ok=True)
        write_pictures(pictures, digits, train, test)
        (HERE / "labels.txt").write_text("\n".join(WORDS) + "\n")
    network = Network(random)
    network.weights = read_weights(HERE / "digits.onnx")
    report(network, tensors, digits, train, test)


if __name__ == "__main__":
    main()
