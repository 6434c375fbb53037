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
    input.addEventListener('click', (event) => { if (event.detail) ref.result.focus({ preventScroll: true }); });
    return make('label', {}, input, text);
  }));
}

const check = (group, value) => { for (const input of group.querySelectorAll('input')) input.checked = input.value === value; };

/* Listen on the document by type of event, until the view has left it. */
function onDocument(listeners) {
  const listen = (event) => {
    if (element.isConnected) listeners[event.type](event);
    else for (const type of Object.keys(listeners)) document.removeEventListener(type, listen);
  };
  for (const type of Object.keys(listeners)) document.addEventListener(type, listen);
}

function download(blob, name) {
  const link = make('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
