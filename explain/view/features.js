/* Feature maps: as tiles on the stages, one of them closely, and one enlarged. */

const channelOf = ({ data, size: [h, w] }, index) => data.subarray(index * h * w, (index + 1) * h * w);

/* Whether the same channels stand in the same order on both sides. */
const paired = () => Boolean(stopNow().twins) && state.order === 'same';

/* The shown channels of a model: their places among those that the message holds. */
function shownChannels(place) {
  const { features } = layerNow(place);
  if (!features) return [];
  if (paired()) return stopNow().twins.channels.map((channel) => features.channels.indexOf(channel));
  return Array.from({ length: places.length > 2 ? Math.min(9, features.count) : features.count }, (_, index) => index);
}

/* The range of a channel's values: of twins that of both maps, so that both stand on one scale. */
function rangeOf(place, channel) {
  const ranges = (paired() ? places : [place]).map((other) => {
    const { features } = layerNow(other);
    const index = features.channels.indexOf(channel);
    return [features.low[index], features.high[index]];
  });
  return [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
}

function paintChannel(canvas, place, index) {
  const { features } = layerNow(place);
  const [low, high] = rangeOf(place, features.channels[index]);
  const [least, most] = [features.low[index], features.high[index]];
  const span = high > low ? high - low : 1;
  const values = Float32Array.from(channelOf(features, index), (value) => (255 * (least + (value / 255) * (most - least) - low)) / span);
  paint(canvas, values, ...features.size, opaque(tables[state.colours]));
}

/* How far a pair's two maps agree, in words. */
function alikeText(index) {
  const value = stopNow().twins.alike[index];
  return value === null ? t.channel_silent : fill(t.channel_alike, { value: decimal(value) });
}

function paintFeatures() {
  root.toggleAttribute('data-paired', Boolean(stopNow().twins));
  for (const place of places) {
    const grid = ref['tiles-' + place];
    const shown = state.mode === 'features' ? shownChannels(place) : [];
    grid.style.setProperty('--across', Math.max(1, Math.ceil(Math.sqrt(shown.length))));
    while (grid.children.length > shown.length) grid.lastChild.remove();
    while (grid.children.length < shown.length) grid.append(tile(place, grid.children.length));
    grid.toggleAttribute('data-none', state.mode === 'features' && !shown.length);
    if (state.mode === 'features' && !shown.length) grid.textContent = t.no_features;
    else if (!shown.length) grid.textContent = '';
    shown.forEach((index, at) => {
      const { channels } = layerNow(place).features;
      const [canvas, label] = grid.children[at].children;
      paintChannel(canvas, place, index);
      const told = fill(t.channel_number, { channel: channels[index] });
      if (paired() && place) both(label, alikeText(at), alikeText(at).split(' ').at(-1));
      else both(label, told, String(channels[index]));
      const name = fill(t.enlarge, { channel: channels[index], name: state.result.models[place].name });
      grid.children[at].setAttribute('aria-label', paired() ? name + ', ' + alikeText(at) : name);
      const { channel } = state;
      grid.children[at].setAttribute('aria-pressed', channel.index === at && (paired() || channel.place === place));
    });
  }
  if (state.mode === 'features' && places.length === 2) paintThirdChannel();
}

function tile(place, index) {
  const button = make('button', { type: 'button' }, document.createElement('canvas'), make('span'));
  button.addEventListener('click', () => {
    state.channel = { place, index };
    refresh('features', 'third');
    const box = ref.third.getBoundingClientRect();
    if (places.length > 2 || !box.width || box.top > innerHeight - 160) openFeature(place, index);
  });
  return button;
}

// --- the chosen channel, closely ----------------------------------------------------------------------------------------

function paintThirdChannel() {
  const { channel } = state;
  if (!shownChannels(channel.place).length) channel.place = places.find((place) => shownChannels(place).length) ?? 0;
  const shown = shownChannels(channel.place);
  ref.channel.hidden = !shown.length;
  if (!shown.length) return;
  channel.index = Math.min(channel.index, shown.length - 1);
  const { features, shape } = layerNow(channel.place);
  const index = shown[channel.index];
  const number = features.channels[index];
  const [low, high] = rangeOf(channel.place, number);
  const [first, second] = state.result.models.map(({ name }) => name);
  const name = state.result.models[channel.place].name;
  ref['third-title'].textContent = fill(paired() ? t.channel_both : t.channel_single, { channel: number, name });
  ref['end-first'].textContent = short(low);
  ref['end-middle'].textContent = paired() ? t.channel_scale : t.channel_scale_single;
  ref['end-second'].textContent = short(high);
  paintBar(ref['ends-bar'], tables[state.colours]);
  const aspect = state.result.picture.width / state.result.picture.height;
  ref.channel.style.setProperty('--shape', aspect);
  paintChannel(ref['channel-first'], paired() ? 0 : channel.place, paired() ? shownChannels(0)[channel.index] : index);
  if (paired()) paintChannel(ref['channel-second'], 1, shownChannels(1)[channel.index]);
  else paintOver(ref['channel-second'], channel.place, index);
  ref['channel-name'].textContent = paired() ? first : fill(t.channel_place, { place: channel.index + 1, of: shape[2] });
  ref['channel-other'].textContent = paired() ? second + ' · ' + alikeText(channel.index) : t.channel_photo;
  paintDots(number, shape[2]);
}

/* A number with as many digits as it takes to tell it. */
const short = (value) => (Math.abs(value) < 10 ? decimal(value, 1) : decimal(value, 0));

/* A channel's map over the photo. */
function paintOver(canvas, place, index) {
  const { features } = layerNow(place);
  const [height, width] = extent();
  const heat = document.createElement('canvas');
  paint(heat, enlarge({ size: features.size, data: channelOf(features, index) }, height, width), height, width, opaque(tables[state.colours]));
  canvas.width = width * 2;
  canvas.height = height * 2;
  const context = canvas.getContext('2d');
  context.imageSmoothingEnabled = !state.result.picture.small;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = true;
  context.globalAlpha = 0.6;
  context.drawImage(heat, 0, 0, canvas.width, canvas.height);
}

/* Where correlations lie: [low, counts] of bins of equal width up to 1, the first from a round number below them all. */
function binned(values, bins) {
  const low = Math.min(0.9, Math.floor(Math.min(...values) * 10) / 10);
  const counts = Array(bins).fill(0);
  for (const value of values) counts[Math.min(bins - 1, Math.floor(((value - low) / (1 - low)) * bins))]++;
  return [low, counts];
}

function paintDots(channel, of) {
  const { twins } = stopNow();
  ref['dots-title'].hidden = ref['dots-of'].hidden = ref.dots.hidden = !paired();
  if (!paired()) return;
  const known = twins.all.filter((value) => value !== null);
  ref['dots-title'].textContent = fill(t.dots, { of });
  ref['dots-of'].textContent = known.length ? (known.length < of ? fill(t.dots_of, { count: known.length, of }) : '') : t.dots_none;
  ref.dots.hidden = !known.length;
  const [width, height] = [ref.dots.clientWidth, ref.dots.clientHeight];
  if (!known.length || !width) return;
  ref.dots.width = Math.round(width * devicePixelRatio);
  ref.dots.height = Math.round(height * devicePixelRatio);
  const context = ref.dots.getContext('2d');
  context.scale(devicePixelRatio, devicePixelRatio);
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue('--tm-' + name).trim();
  const [low, counts] = binned(known, Math.floor((width - 12) / 8));
  const [base, step] = [height - 16, (width - 12) / counts.length];
  const high = Math.min(7, (base - 4) / Math.max(...counts));
  const value = twins.all[channel];
  const chosen = value === null ? -1 : Math.min(counts.length - 1, Math.floor(((value - low) / (1 - low)) * counts.length));
  counts.forEach((count, bin) => {
    const x = 6 + (bin + 0.5) * step;
    context.fillStyle = colour('dot');
    for (let k = 0; k < count; k++) {
      if (k === 0 && bin === chosen) continue;
      context.beginPath();
      context.ellipse(x, base - 2 - (k + 0.5) * high, 3, Math.max(0.4, high / 2 - 0.5), 0, 0, 7);
      context.fill();
    }
    if (bin !== chosen) return;
    context.fillStyle = colour('text');
    context.beginPath();
    context.arc(x, base - 2 - high / 2, 3.5, 0, 7);
    context.fill();
  });
  context.strokeStyle = colour('line');
  context.beginPath();
  context.moveTo(6, base);
  context.lineTo(width - 6, base);
  context.stroke();
  context.font = '11px ' + style.fontFamily;
  context.fillStyle = colour('soft');
  context.textBaseline = 'alphabetic';
  context.textAlign = 'left';
  context.fillText(decimal(low, 1) + ' ' + t.dots_less, 6, height - 3);
  context.textAlign = 'right';
  context.fillText(t.the_same + ' 1', width - 6, height - 3);
}

// --- enlarged -----------------------------------------------------------------------------------------------------------

function openFeature(place, index) {
  state.enlarged = { place, index };
  paintEnlarged();
  if (!ref.enlarged.open) ref.enlarged.showModal();
}

function paintEnlarged() {
  if (!state.enlarged) return;
  const { place } = state.enlarged;
  const { features, name, shape } = layerNow(place);
  const shown = shownChannels(place);
  if (!shown.length) return ref.enlarged.close();
  const count = shown.length;
  state.enlarged.index = (state.enlarged.index + count) % count;
  const index = shown[state.enlarged.index];
  const channel = features.channels[index];
  ref['enlarged-title'].textContent = fill(t.enlarged, { name: state.result.models[place].name, layer: name, channel });
  ref['enlarged-text'].textContent = fill(t.enlarged_text, {
    place: state.enlarged.index + 1, count, of: shape[2], low: short(features.low[index]), high: short(features.high[index]),
  });
  const { width, height } = state.result.picture;
  ref['enlarged-map'].style.aspectRatio = ref['enlarged-over'].style.aspectRatio = width / height;
  paint(ref['enlarged-map'], channelOf(features, index), ...features.size, opaque(tables[state.colours]));
  paintOver(ref['enlarged-over'], place, index);
}

function stepEnlarged(step) {
  state.enlarged.index += step;
  paintEnlarged();
}
ref['enlarged-back'].addEventListener('click', () => stepEnlarged(-1));
ref['enlarged-on'].addEventListener('click', () => stepEnlarged(1));
ref['enlarged-close'].addEventListener('click', () => ref.enlarged.close());
ref.enlarged.addEventListener('close', () => { state.enlarged = null; });
ref.enlarged.addEventListener('click', (event) => { if (event.target === ref.enlarged) ref.enlarged.close(); });
