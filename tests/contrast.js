// The number of visible texts, and each whose contrast with its background is below the limit, as
// "ratio colours text".
(limit) => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  // A colour in any notation, as red, green, blue in 0..255 and alpha in 0..1.
  const rgba = (colour) => {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = ([r, g, b, a], below) =>
    [r, g, b].map((each, i) => each * a + below[i] * (1 - a));
  const backgrounds = new Map();
  const background = (element) => {
    if (element === null) return [255, 255, 255];
    if (!backgrounds.has(element)) {
      const own = rgba(getComputedStyle(element).backgroundColor);
      backgrounds.set(element, own[3] === 0 ? background(element.parentElement)
        : over(own, background(element.parentElement)));
    }
    return backgrounds.get(element);
  };
  const opacity = (element) => element === null ? 1
    : Number(getComputedStyle(element).opacity) * opacity(element.parentElement);
  // The relative luminance and the ratio are those of WCAG 2.
  const luminance = (colour) => {
    const [r, g, b] = colour.map((each) => {
      const part = each / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const low = [];
  let n_texts = 0;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const element = text.parentElement;
    if (!text.data.trim() || element.closest("script, style, noscript, .visually-hidden")) continue;
    if (element.closest(".katex-mathml, .skip-link")) continue;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const style = getComputedStyle(element);
    if (parseFloat(style.fontSize) === 0) continue;
    n_texts += 1;
    const behind = background(element);
    const [r, g, b, a] = rgba(style.color);
    const shown = over([r, g, b, a * opacity(element)], behind);
    const [dark, light] = [luminance(shown), luminance(behind)].sort((x, y) => x - y);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < limit) {
      low.push(`${ratio.toFixed(2)} ${shown.map(Math.round)} on ${behind.map(Math.round)} ` +
        `<${element.localName} class="${element.className}"> ${text.data.trim().slice(0, 40)}`);
    }
  }
  return { texts: n_texts, low };
}
