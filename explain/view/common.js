/* What every script of the page begins with: the texts, the parts of the template by name, small things.

   The scripts of a view are joined in order into the body of one function (element, props, ...), which is run once a
   mount: `element` holds the template, `props.catalog` what there is to choose and `labels`, the texts. Everything that
   comes from data goes in by textContent. */

'use strict';
const catalog = props.catalog;
const t = catalog.labels;
const root = element.querySelector('.tm');
const ref = {};
for (const node of root.querySelectorAll('[data-ref]')) ref[node.dataset.ref] = node;
const touched = matchMedia('(pointer: coarse)').matches;
const fill = (text, facts) => text.replace(/\{(\w+)\}/g, (_, name) => facts[name]);
for (const node of root.querySelectorAll('[data-t]')) {
  node.textContent = fill(t[(touched && node.dataset.touch) || node.dataset.t], catalog);
}
for (const node of root.querySelectorAll('[data-label]')) {
  node.setAttribute('aria-label', t[node.dataset.label]);
  if (node.tagName === 'BUTTON') node.title = t[node.dataset.label];
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const visible = () => element.isConnected && root.offsetParent !== null;
const decimal = (value, digits = 2) => value.toFixed(digits).replace('-', '\u2212');

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in node && key !== 'style') node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== ''));
  return node;
}

/* "a **strong** word" and "a `command`" as text, <strong> and <code>. */
function rich(node, text) {
  node.replaceChildren(...text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => {
    if (part.startsWith('**')) return make('strong', { textContent: part.slice(2, -2) });
    return part.startsWith('`') ? make('code', { textContent: part.slice(1, -1) }) : part;
  }));
  return node;
}

/* A text, and a shorter one where there is little room. */
function both(node, long, short = long) {
  node.replaceChildren(...(long === short ? [long] : [make('span', { className: 'tm-long', textContent: long }),
    make('span', { className: 'tm-short', textContent: short })]));
}

/* A copy of a <template> for a model; its parts are known as ref['PART-' + which]. */
function clone(template, which) {
  const copy = template.content.cloneNode(true);
  for (const node of copy.querySelectorAll('[data-ref]')) ref[(node.dataset.ref += '-' + which)] = node;
  return copy;
}

function bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function options(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text, title]) => make('option', { value, textContent: text, title: title || '' })));
  if (chosen !== undefined) select.value = chosen;
}

let segments = 0;
function radios(group, entries, chosen, pick) {
  const name = 'tm-' + segments++;
  group.replaceChildren(...entries.map(([value, text]) => {
    const input = make('input', { type: 'radio', name, value, checked: value === chosen });
    input.addEventListener('change', () => pick(value));
    // a click leaves the arrow keys free
    input.addEventListener('click', (event) => { if (event.detail && ref.result) ref.result.focus({ preventScroll: true }); });
    const words = make('span', { textContent: text });
    words.dataset.wide = text; // as wide as when it is chosen, and bold
    return make('label', {}, input, words);
  }));
}

// --- what a word means, where it stands ---------------------------------------------------------------------------------

/* One note for all: by hover, by focus and by touch alike. It stays while the pointer is on it; Escape closes it. */
const tip = make('div', { className: 'tm-tip', role: 'tooltip', id: 'tm-tip-' + Math.random().toString(36).slice(2), popover: 'manual' });
const meanings = new WeakMap(); // a node: a function that gives its text
let explained = null; // the node whose note is open
let leaving = 0;
root.append(tip);

function tell(node) {
  const text = meanings.get(node)();
  clearTimeout(leaving);
  if (explained && explained !== node) hush();
  if (!text) return;
  rich(tip, text);
  explained = node;
  node.setAttribute('aria-describedby', tip.id);
  if (!tip.matches(':popover-open')) tip.showPopover();
  const [box, own, edge] = [node.getBoundingClientRect(), tip.getBoundingClientRect(), 8];
  const below = box.bottom + own.height + edge < innerHeight || box.top < own.height + edge;
  tip.style.left = clamp(box.left + box.width / 2 - own.width / 2, edge, Math.max(edge, innerWidth - own.width - edge)) + 'px';
  tip.style.top = (below ? box.bottom + 6 : box.top - own.height - 6) + 'px';
}

function hush() {
  clearTimeout(leaving);
  if (!explained) return;
  explained.removeAttribute('aria-describedby');
  explained = null;
  tip.hidePopover();
}

function explain(node, text) {
  if (!meanings.has(node)) {
    const later = () => { leaving = setTimeout(hush, 150); };
    node.addEventListener('pointerenter', (event) => { if (event.pointerType === 'mouse') tell(node); });
    node.addEventListener('pointerleave', (event) => { if (event.pointerType === 'mouse') later(); });
    node.addEventListener('focus', () => { if (node.matches(':focus-visible')) tell(node); });
    node.addEventListener('blur', hush);
    node.addEventListener('click', () => tell(node));
  }
  meanings.set(node, typeof text === 'function' ? text : () => text);
  node.toggleAttribute('data-plain', !meanings.get(node)());
}
tip.addEventListener('pointerenter', () => clearTimeout(leaving));
tip.addEventListener('pointerleave', () => { leaving = setTimeout(hush, 150); });
for (const node of root.querySelectorAll('[data-term]')) explain(node, t[node.dataset.term]);

const check = (group, value) => { for (const input of group.querySelectorAll('input')) input.checked = input.value === value; };

/* Listen on the document by type of event, until the view has left it. */
function onDocument(listeners) {
  const listen = (event) => {
    if (element.isConnected) listeners[event.type](event);
    else for (const type of Object.keys(listeners)) document.removeEventListener(type, listen);
  };
  for (const type of Object.keys(listeners)) document.addEventListener(type, listen);
}

onDocument({
  keydown: (event) => { if (event.key === 'Escape') hush(); },
  pointerdown: ({ target }) => { if (explained && !explained.contains(target) && !tip.contains(target)) hush(); },
  scroll: hush,
});

function download(blob, name) {
  const link = make('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
