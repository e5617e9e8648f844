"""Draw a digit in a browser and watch the network that recognizes it.

Usage: python examples/draw_a_digit.py [output folder] [--data DIR] [--activation NAME]
                                       [--image FILE ...]

Trains on scikit-learn's digits of 8 x 8 pixels and writes draw_a_digit.html, a page that needs no
server, no library and no network: the weights are in it. With --data, a folder with mnist.npz (the
arrays X_train, y_train, X_test and y_test), it trains on the 28 x 28 pixels of MNIST instead. Each
--image, a photo or drawing of one digit, is centred and scaled as the data are, and classified.

The files beside this one are the parts of the page: draw_a_digit.js has the centring and the
forward pass, draw_a_digit.html what is seen.
"""

import argparse
import base64
import json
import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import ndimage
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknumpy_mlp import ScratchMLPClassifier

HERE = Path(__file__).resolve().parent
ACTIVATIONS = ["relu", "tanh", "logistic", "silu"]


@dataclass(frozen=True)
class Frame:
    """How the pixels of a data set were made from bitmaps of digits, in pixels.

    A digit is scaled until it is `height` high, or narrower if it were wider than `width`; with
    `keepsAspect`, both sides shrink then. Its box is in the middle, or its centre of mass.
    """

    size: int
    height: float
    width: float
    keepsAspect: bool
    byMass: bool


# scikit-learn's digits: bitmaps of 32 x 32 that the digits fill from top to bottom, and the ink in
# each block of 4 x 4, a count from 0 to 16. MNIST: 20 x 20 in 28 x 28, by the centre of mass.
DIGITS = Frame(size=8, height=8, width=6.5, keepsAspect=False, byMass=False)
MNIST = Frame(size=28, height=20, width=20, keepsAspect=True, byMass=True)


# ---- from a drawing to the pixels of the data ----


def centred(ink, frame):
    """Turn a bitmap of ink, of shape (rows, columns), into pixels from 0 to 1, (size, size)."""
    size = frame.size
    rows, columns = np.nonzero(ink)
    if not len(rows):
        return np.zeros((size, size))
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    down = frame.height / (bottom - top)
    across = min(down, frame.width / (right - left))
    if frame.keepsAspect:
        down = across
    y, x = (top + bottom) / 2, (left + right) / 2
    if frame.byMass:
        y, x = (rows + 0.5).sum() / len(rows), (columns + 0.5).sum() / len(columns)
    # 4 x 4 points in each pixel; its value is the share of them that hit ink.
    steps = (np.arange(4 * size) + 0.5) / 4 - size / 2
    i, j = np.floor(y + steps / down).astype(int), np.floor(x + steps / across).astype(int)
    inside = np.ix_((i >= 0) & (i < len(ink)), (j >= 0) & (j < ink.shape[1]))
    points = np.zeros((4 * size, 4 * size))
    points[inside] = ink[np.ix_(i[inside[0].ravel()], j[inside[1].ravel()])] != 0
    return points.reshape(size, 4, size, 4).mean(axis=(1, 3))


def ink_of(gray):
    """Find the ink in a gray image: True where a stroke differs from the paper around it."""
    gray = gray.astype(float)
    edge = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    if np.median(edge) < gray.mean():
        # Light strokes on dark paper.
        gray = 255 - gray
    # The paper without the strokes, also where a shadow lies on it.
    side = max(gray.shape) // 4
    paper = ndimage.gaussian_filter(ndimage.grey_closing(gray, size=side), side / 4)
    depth = paper - gray
    darkest = np.percentile(depth, 99)
    if darkest < 25:
        return np.zeros(gray.shape, bool)
    parts, _ = ndimage.label(depth > darkest / 2, structure=np.ones((3, 3)))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    # Specks of dust are not part of a digit.
    return (sizes >= 0.05 * sizes.max())[parts] & (parts > 0)


def pixels_of_image(file, frame):
    """Read an image file of one digit, and centre and scale it as the data are.

    Returns pixels from 0 to 1 of shape (size, size). Any format that Pillow reads will do, with
    dark strokes on light paper or the other way round.
    """
    from PIL import Image, ImageOps

    with Image.open(file) as image:
        image = ImageOps.exif_transpose(image).convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        gray = Image.alpha_composite(white, image).convert("L")
    # Enough for a digit, and fast for a photo.
    gray.thumbnail((320, 320))
    ink = ink_of(np.asarray(gray))
    if not ink.any():
        raise ValueError(f"{file} must show a digit that differs from its background")
    return centred(ink, frame)


# ---- from the data to a network ----


def varied(X, size, random_state, copies=6):
    """The digits, and copies of them: turned, slanted, resized, shifted, thicker and thinner."""
    images = X.reshape(-1, size, size)
    found = [X]
    middle = (size - 1) / 2
    for _ in range(copies):
        for image in images:
            turn, slant = random_state.uniform(-0.2, 0.2, 2)
            down, across = random_state.uniform(0.9, 1.15, 2)
            matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
            matrix = matrix @ np.array([[down, 0], [slant, across]])
            shift = random_state.uniform(-0.06, 0.06, 2) * size
            offset = middle - matrix @ np.array([middle, middle]) + shift
            changed = ndimage.affine_transform(image, matrix, offset, order=1)
            # A power below one makes strokes thicker.
            found.append(changed.ravel()[np.newaxis] ** random_state.uniform(0.5, 1.5))
    return np.concatenate(found).astype(X.dtype)


def drawn(points, pen, side=96):
    """Ink of a pen, a disc of this radius, that is moved along points of the unit square."""
    ink = np.zeros((side, side), bool)
    y, x = np.mgrid[:side, :side] + 0.5
    for (x0, y0), (x1, y1) in pairwise(np.asarray(points, float) * side):
        dx, dy = x1 - x0, y1 - y0
        # Where on the way each place is nearest.
        way = np.clip(((x - x0) * dx + (y - y0) * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
        ink |= (x - x0 - way * dx) ** 2 + (y - y0 - way * dy) ** 2 <= pen * pen
    return ink


def missing_forms(frame, random_state, n_samples=120):
    """Forms of digits that scikit-learn's data lack, drawn with a trembling hand, and labels.

    These are sevens without a bar, ones of a thin stem, and fours that are open at the top.
    """
    forms = [
        (7, [[(0.27, 0.14), (0.72, 0.14), (0.45, 0.88)]]),
        (1, [[(0.5, 0.12), (0.5, 0.88)]]),
        (1, [[(0.36, 0.3), (0.54, 0.12), (0.54, 0.88)]]),
        (4, [[(0.3, 0.12), (0.27, 0.52), (0.74, 0.52)], [(0.66, 0.14), (0.62, 0.88)]]),
    ]
    X, y = [], []
    for digit, strokes in forms * n_samples:
        pen = random_state.uniform(4, 8)
        ink = [
            drawn(points + random_state.normal(0, 0.05, np.shape(points)), pen)
            for points in strokes
        ]
        X.append(centred(np.any(ink, axis=0), frame).ravel())
        y.append(digit)
    return np.array(X), np.array(y)


def load_data(folder=None):
    """Pixels from 0 to 1 and labels, to train on and to test with, and the frame."""
    if folder is None:
        X, y = load_digits(return_X_y=True)
        parts = train_test_split(X / 16, y, test_size=0.2, stratify=y, random_state=0)
        X_train, X_test, y_train, y_test = parts
        return X_train, X_test, y_train, y_test, DIGITS
    with np.load(folder / "mnist.npz") as file:
        arrays = [file[name] for name in ("X_train", "X_test", "y_train", "y_test")]
    X_train, X_test, y_train, y_test = arrays
    # float32: half the memory of 60,000 digits and their copies.
    X_train, X_test = (X.reshape(len(X), -1) / np.float32(255) for X in (X_train, X_test))
    return X_train, X_test, y_train.ravel(), y_test.ravel(), MNIST


def train(X, y, frame, activation="relu"):
    """Train a network on varied digits, and round its weights to float32."""
    is_small = frame is DIGITS
    stream = np.random.RandomState(0)
    copies = 8 if is_small else 1
    if is_small:
        X_more, y_more = missing_forms(frame, stream)
        X, y = np.concatenate([X, X_more]), np.concatenate([y, y_more])
    X_varied = varied(X, frame.size, stream, copies)
    network = ScratchMLPClassifier(
        hidden_layer_sizes=(64, 32) if is_small else (32, 32),
        activation=activation,
        # Without it, all drawings would be read with 100 %.
        label_smoothing=0.05,
        learning_rate="cosine",
        learning_rate_init=0.005,
        batch_size=128,
        max_iter=25 if is_small else 15,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X_varied, np.tile(y, copies + 1))
    return rounded(network)


def rounded(network):
    """The network with its weights rounded to float32, which computes in float64.

    The page has the same weights and also computes in float64, so that both agree to the last
    digits. Rounding moves a weight by less than 6e-8 of its size.
    """
    coefs, intercepts = (
        [each.astype(np.float32).astype(np.float64) for each in arrays]
        for arrays in (network.coefs_, network.intercepts_)
    )
    return ScratchMLPClassifier.from_weights(
        coefs, intercepts, network.classes_, activation=network.activation
    )


# ---- from a network to a page ----


def encoded(array, dtype):
    """The numbers of an array as base64, in little-endian order."""
    return base64.b64encode(array.astype(np.dtype(dtype).newbyteorder("<")).tobytes()).decode()


def page(network, frame, X, y):
    """The text of the page: the network, one digit of each class to look at, and the scripts."""
    examples = [X[np.flatnonzero(y == digit)[0]] for digit in network.classes_]
    content = {
        "activation": network.activation,
        "frame": asdict(frame),
        "classes": network.classes_.tolist(),
        "layers": [
            {"W": encoded(W, "float32"), "b": encoded(b, "float32"), "units": len(b)}
            for W, b in zip(network.coefs_, network.intercepts_)
        ],
        # A byte each: 16 or 255 levels.
        "examples": [encoded(np.round(255 * each), "uint8") for each in examples],
    }
    text = (HERE / "draw_a_digit.html").read_text(encoding="utf-8")
    script = (HERE / "draw_a_digit.js").read_text(encoding="utf-8")
    shape = " → ".join(str(len(W)) for W in network.coefs_) + f" → {len(network.classes_)}"
    for place, part in {
        "{{script}}": script,
        "{{content}}": json.dumps(content),
        "{{shape}}": shape,
        "{{size}}": f"{frame.size} × {frame.size}",
        "{{activation}}": network.activation,
    }.items():
        text = text.replace(place, part)
    return text


def main():
    """Train, write the page, and classify images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = HERE / "output"
    parser.add_argument("output", nargs="?", type=Path, default=default, help="output folder")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with mnist.npz")
    parser.add_argument("--activation", choices=ACTIVATIONS, default="relu")
    parser.add_argument("--image", type=Path, nargs="+", default=[], metavar="FILE")
    options = parser.parse_args()
    if options.data is not None and not (options.data / "mnist.npz").is_file():
        parser.error(f"--data must be a folder that holds mnist.npz, got {options.data}")
    for file in options.image:
        if not file.is_file():
            parser.error(f"--image must be a file, got {file}")

    X_train, X_test, y_train, y_test, frame = load_data(options.data)
    network = train(X_train, y_train, frame, options.activation)
    print(f"Test accuracy: {network.score(X_test, y_test):.4f}")

    options.output.mkdir(parents=True, exist_ok=True)
    file = options.output / "draw_a_digit.html"
    file.write_text(page(network, frame, X_test, y_test), encoding="utf-8")
    print(f"Open in a browser: {file} ({file.stat().st_size / 1000:.0f} kB)")

    for image in options.image:
        pixels = pixels_of_image(image, frame)
        (probabilities,) = network.predict_proba(pixels.reshape(1, -1))
        best = probabilities.argmax()
        print(f"{image}: {network.classes_[best]} with probability {probabilities[best]:.4f}")


if __name__ == "__main__":
    main()
