/* The visitor's own photos: made smaller before they are sent, and kept in this tab, so that they are one click away. */

const LONGEST_SENT = 2048; // pixels; the models see a few hundred
const SMALLER = ['image/jpeg', 'image/png']; // what a browser reads as the server does; a GIF may hold several pictures
const KEPT = 4; // photos
const STORE = 'two-minds-photos'; // in the tab's own storage, which outlives a reload and ends with the tab

/* Whether a PNG, by its beginning, has eight bits a channel and one picture: all else the server reads otherwise. */
const plain = (head) => head.charCodeAt(head.indexOf('IHDR') + 12) === 8 && !head.includes('acTL');

/* A photo as it is sent: upright and in the screen's colours where it has to be made smaller, else the file itself. */
async function smaller(file) {
  if (!SMALLER.includes(file.type) || file.size > 8 * catalog.most_bytes) return file;
  try {
    if (file.type === 'image/png' && !plain(await file.slice(0, 1024).text())) return file;
    const bitmap = await createImageBitmap(file); // turned as the file says
    const scale = LONGEST_SENT / Math.max(bitmap.width, bitmap.height);
    if (scale >= 1) return file;
    const canvas = make('canvas', { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, file.type, 0.92));
    return blob && blob.size < file.size ? new File([blob], file.name, { type: blob.type }) : file;
  } catch {
    return file; // the server says what is wrong with it
  }
}

const dataUrl = (blob) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.onerror = reject;
  reader.readAsDataURL(blob);
});

let photos = []; // the newest first: {id, file, thumb}
const names = new WeakMap(); // file: its id, which stands in the address
function idOf(file) {
  if (!names.has(file)) names.set(file, Math.random().toString(36).slice(2, 8));
  return names.get(file);
}

/* Keep a photo that the models have looked at; `shown`: its picture in the answer. */
function keep(file, shown) {
  if (photos.some((photo) => photo.file === file)) return;
  const canvas = make('canvas', { width: 208, height: 156 });
  cover(canvas.getContext('2d'), shown, 0, 0, canvas.width, canvas.height);
  photos = [{ id: idOf(file), file, thumb: canvas.toDataURL('image/jpeg', 0.8) }, ...photos].slice(0, KEPT);
  showPhotos();
  store();
}

function forget(photo) {
  photos = photos.filter((other) => other !== photo);
  showPhotos();
  store();
  ref.choose.focus();
}

async function store() {
  const kept = await Promise.all(photos.map(async ({ id, file, thumb }) => ({ id, thumb, name: file.name, data: await dataUrl(await smaller(file)) })));
  for (; kept.length; kept.pop()) { // as many as there is room for
    try {
      return sessionStorage.setItem(STORE, JSON.stringify(kept));
    } catch { /* too large */ }
  }
  try {
    sessionStorage.removeItem(STORE);
  } catch { /* a browser that keeps nothing */ }
}

async function stored() {
  try {
    photos = await Promise.all((JSON.parse(sessionStorage.getItem(STORE)) || []).map(async ({ id, thumb, name, data }) => {
      const blob = await (await fetch(data)).blob();
      const file = new File([blob], name, { type: blob.type });
      names.set(file, id);
      return { id, thumb, file };
    }));
  } catch {
    photos = [];
  }
  showPhotos();
}

/* First in the row of examples, each with a way to have it forgotten. */
function showPhotos() {
  ref.photos.replaceChildren(...photos.flatMap((photo) => {
    const title = fill(t.own_photo, { name: photo.file.name });
    const button = make('button', { type: 'button', title, className: 'tm-photo' }, make('img', { src: photo.thumb, alt: title }));
    button.dataset.id = photo.id;
    button.setAttribute('aria-pressed', photo.file === asking.wish.file);
    button.addEventListener('click', () => request({ file: photo.file, example: null }));
    const away = make('button', { type: 'button', className: 'tm-away', textContent: '×', title: t.forget });
    away.setAttribute('aria-label', t.forget + ': ' + photo.file.name);
    away.addEventListener('click', () => forget(photo));
    return [button, away];
  }));
}
