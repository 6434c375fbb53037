/* What is said in the visitor's language: the one that was chosen here before, or the first of the browser's that there
   is. Stands before all other scripts of a part of the page, each of which has a catalog of its own. */

'use strict';
const CHOSEN = 'two-minds-language';
const language = (() => {
  const { language: first, languages = {} } = props.catalog;
  let chosen = null;
  try {
    chosen = localStorage.getItem(CHOSEN);
  } catch { /* storage is shut */ }
  const wished = [chosen, ...navigator.languages].filter(Boolean).map((name) => name.split('-')[0].toLowerCase());
  return wished.find((name) => name === first || name in languages) || first;
})();

/* A value with what is said otherwise, nested by key or place. */
function translated(value, changes) {
  if (changes === undefined) return value;
  if (value === null || typeof value !== 'object' || changes === null || typeof changes !== 'object' || Array.isArray(changes)) return changes;
  const copy = Array.isArray(value) ? [...value] : { ...value };
  for (const [key, change] of Object.entries(changes)) copy[key] = translated(value[key], change);
  return copy;
}

props = { ...props, catalog: translated(props.catalog, (props.catalog.languages || {})[language]) };
