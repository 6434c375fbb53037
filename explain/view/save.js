/* Saves what is on the screen as a PNG. */

const WIDE = 1200;
const EDGE = 28;

function lines(context, text, width) {
  const result = [''];
  for (const word of text.split(' ')) {
    const longer = result.at(-1) ? result.at(-1) + ' ' + word : word;
    if (context.measureText(longer).width > width && result.at(-1)) result.push(word);
    else result[result.length - 1] = longer;
  }
  return result;
}

function drawStage(context, name, x, y, width, height) {
  context.save();
  context.beginPath();
  context.roundRect(x, y, width, height, 8);
  context.clip();
  context.fillStyle = getComputedStyle(stage(name)).backgroundColor;
  context.fillRect(x, y, width, height);
  const box = stage(name).getBoundingClientRect();
  const inner = plane(name).getBoundingClientRect();
  const ratio = width / box.width;
  const place = [x + (inner.left - box.left) * ratio, y + (inner.top - box.top) * ratio, inner.width * ratio, inner.height * ratio];
  const [image, canvas] = plane(name).children;
  context.imageSmoothingEnabled = state.mode === 'overlay' || name === 'difference';
  context.filter = getComputedStyle(image).filter;
  if (image.style.visibility !== 'hidden') context.drawImage(image, ...place);
  context.filter = 'none';
  context.globalAlpha = Number(canvas.style.opacity || 1);
  context.drawImage(canvas, ...place);
  context.restore();
}

function compose() {
  const { result } = state;
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue('--tm-' + name).trim();
  const font = (weight, size) => { context.font = weight + ' ' + size + 'px ' + style.fontFamily; };
  const canvas = document.createElement('canvas');
  let context = canvas.getContext('2d');
  const side = (WIDE - 3 * EDGE) / 2;
  const aspect = result.picture.width / result.picture.height;
  const high = Math.min(side / aspect, 620);
  const wide = high * aspect;
  const small = apart() ? 0 : Math.min(300, 300 / aspect);
  const beside = small ? EDGE * 2 + small * aspect : EDGE; // of the difference
  const bars = result.models[0].bars.length * 22;
  const words = stopNow().words.map(({ text }) => text.replaceAll('**', ''));
  font(400, 15);
  const told = words.map((text) => lines(context, text, WIDE - EDGE - beside));
  const below = Math.max(small, told.reduce((sum, part) => sum + part.length * 21 + 7, 0));
  const top = 118 + bars;
  const total = top + high + 34 + 120 + below + 56;
  [canvas.width, canvas.height] = [WIDE * 2, Math.ceil(total) * 2];
  context = canvas.getContext('2d');
  context.scale(2, 2);
  context.fillStyle = colour('page');
  context.fillRect(0, 0, WIDE, total);
  const write = (text, x, y, weight, size, paint = 'text', align = 'left') => {
    font(weight, size);
    context.fillStyle = colour(paint);
    context.textAlign = align;
    context.fillText(text, x, y);
  };
  write(catalog.name, EDGE, 40, 700, 22);
  const rule = catalog.rules.find(({ name }) => name === result.rule).title;
  write(rule + ' · ' + result.target.text, WIDE - EDGE, 40, 400, 14, 'soft', 'right');
  for (const place of MODELS) {
    const x = EDGE + place * (side + EDGE);
    const { title, detail, accuracy, bars: shown } = result.models[place];
    write(title, x, 76, 650, 17);
    write(detail, x, 96, 400, 13, 'soft');
    write(accuracy, x + side, 76, 400, 13, 'soft', 'right');
    const best = Math.max(...shown.map(({ share }) => share));
    shown.forEach(({ name: label, share, text }, row) => {
      const y = 118 + row * 22;
      write(label, x, y, 400, 13);
      write(text, x + side, y, 400, 13, 'text', 'right');
      context.fillStyle = colour('track');
      context.fillRect(x + 100, y - 9, side - 160, 9);
      context.fillStyle = colour(share === best ? 'accent' : 'second');
      context.fillRect(x + 100, y - 9, (side - 160) * share, 9);
    });
    drawStage(context, place, x + (side - wide) / 2, top, wide, high);
    const told = ['evidence', 'chip'].map((name) => ref[name + '-' + place].textContent).filter(Boolean).join(' · ');
    write(told, x + side / 2, top + high + 18, 400, 13, 'soft', 'center');
  }
  let y = top + high + 34;
  write(ref.legend.textContent, EDGE, y + 12, 400, 12.5, 'soft');
  write(ref.rank.textContent + ref.overlap.textContent, WIDE - EDGE, y + 12, 400, 12.5, 'text', 'right');
  const curve = document.createElement('canvas');
  [curve.width, curve.height] = [(WIDE - 2 * EDGE) * 2, 180];
  const inner = curve.getContext('2d');
  inner.scale(2, 2);
  drawCurve(inner, WIDE - 2 * EDGE, 90, style);
  context.drawImage(curve, EDGE, y + 18, WIDE - 2 * EDGE, 90);
  y += 120;
  if (small) drawStage(context, 'difference', EDGE, y, small * aspect, small);
  write(ref['chip-difference'].textContent, EDGE, y + small + 18, 400, 12.5, 'soft');
  let line = y + 15;
  for (const part of told) {
    for (const text of part) {
      write(text, beside, line, 400, 15);
      line += 21;
    }
    line += 7;
  }
  return canvas;
}

ref.save.textContent = t.save;
ref.save.title = t.save_title;
ref.save.addEventListener('click', () => {
  if (!state.result) return;
  const name = 'two-minds-' + layerNow(0).name.replace(/\W+/g, '-') + '.png';
  compose().toBlob((blob) => download(blob, name), 'image/png');
});
