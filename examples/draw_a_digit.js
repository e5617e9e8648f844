// The network of draw_a_digit.py in a browser: centring, forward pass, nothing else.
// Arrays are Float64Array in rows; W has the shape (inputs, units), as in `coefs_`.
"use strict";

const ACTIVATIONS = {
  relu: (z) => Math.max(0, z),
  tanh: Math.tanh,
  logistic: (z) => 1 / (1 + Math.exp(-z)),
  silu: (z) => z / (1 + Math.exp(-z)),
};

// Weights come as base64 of little-endian float32. Each is a number of float64 too, so that
// from here on nothing is rounded more than in NumPy.
function decode(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float64Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

// Z = X W + b, for one row X.
function affine(X, W, b) {
  const Z = Float64Array.from(b);
  X.forEach((x, i) => {
    for (let j = 0; j < Z.length; j++) Z[j] += x * W[i * Z.length + j];
  });
  return Z;
}

// Shift by the maximum: exp cannot overflow, softmax is unchanged.
function softmax(Z) {
  const largest = Math.max(...Z);
  const e = Z.map((z) => Math.exp(z - largest));
  const sum = e.reduce((total, each) => total + each, 0);
  return e.map((each) => each / sum);
}

// The outputs A of every layer: first the pixels, last the probabilities.
function forward(layers, pixels, activation) {
  const outputs = [Float64Array.from(pixels)];
  layers.forEach(({ W, b }, number) => {
    const Z = affine(outputs.at(-1), W, b);
    const isLast = number === layers.length - 1;
    outputs.push(isLast ? softmax(Z) : Z.map(ACTIVATIONS[activation]));
  });
  return outputs;
}

// The smallest box around the ink, and its centre of mass; null without ink.
function extent(ink, rows, columns) {
  let [top, bottom, left, right] = [rows, -1, columns, -1];
  let [mass, y, x] = [0, 0, 0];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      if (!ink[i * columns + j]) continue;
      [top, bottom] = [Math.min(top, i), Math.max(bottom, i + 1)];
      [left, right] = [Math.min(left, j), Math.max(right, j + 1)];
      [mass, y, x] = [mass + 1, y + i + 0.5, x + j + 0.5];
    }
  }
  return mass ? { top, bottom, left, right, y: y / mass, x: x / mass } : null;
}

// A bitmap of ink (0 or 1) as the pixels of the data: the drawing fills the frame, and each
// pixel is the share of its 4 x 4 points that hit ink. `centred` in draw_a_digit.py is the same.
function centred(ink, rows, columns, frame) {
  const { size, height, width, keepsAspect, byMass } = frame;
  const pixels = new Float64Array(size * size);
  const box = extent(ink, rows, columns);
  if (box === null) return pixels;
  let down = height / (box.bottom - box.top);
  let across = Math.min(down, width / (box.right - box.left));
  if (keepsAspect) down = across;
  const y = byMass ? box.y : (box.top + box.bottom) / 2;
  const x = byMass ? box.x : (box.left + box.right) / 2;
  const at = (step, centre, scale) => Math.floor(centre + ((step + 0.5) / 4 - size / 2) / scale);
  for (let u = 0; u < 4 * size; u++) {
    const i = at(u, y, down);
    for (let v = 0; v < 4 * size; v++) {
      const j = at(v, x, across);
      const isInside = i >= 0 && i < rows && j >= 0 && j < columns;
      if (isInside && ink[i * columns + j]) pixels[(u >> 2) * size + (v >> 2)] += 1 / 16;
    }
  }
  return pixels;
}
