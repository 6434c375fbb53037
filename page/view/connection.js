/* The way to the server: a photo is sent, a question asked, an answer awaited. By the addresses that Gradio's own client
   takes, but not by that client: where the server has been away it loads the page anew, and the photo is gone. */

class Lost extends Error {} // no server has answered, or it ended meanwhile
class Refusal extends Error {} // it has said in a sentence why not

const AGAIN = 2000; // milliseconds between two looks for a server that is away
const api = (path) => location.pathname.replace(/\/*$/, '/') + 'gradio_api/' + path;

/* Each server says who it is. One that comes again after another: requests fall on several, and what was sent to one the
   other does not know. After a mere restart the first does not come again. */
const servers = [];
function answeredBy(name) {
  if (name && servers.at(-1) !== name) servers.push(name);
}
const scattered = () => new Set(servers).size < servers.length;

/* What a request for JSON brings. */
function told(ok, text) {
  let body = null;
  try {
    body = JSON.parse(text);
  } catch { /* not of our server, but of a proxy before it */ }
  if (ok && body !== null) return body;
  throw body && body.code && body.code !== 'stopping' ? new Refusal(body.error) : new Lost(); // another server will be there
}

async function reach(path, options) {
  try {
    const response = await fetch(api(path), options);
    answeredBy(response.headers.get('X-Instance'));
    return response;
  } catch {
    throw new Lost();
  }
}

/* Send a file: the path that the server has given it. `progress` is told which share of it is sent. */
function send(file, progress) {
  return new Promise((resolve, reject) => {
    const [sending, form] = [new XMLHttpRequest(), new FormData()];
    form.append('files', file, file.name);
    sending.open('POST', api('upload'));
    sending.setRequestHeader('Accept-Language', language);
    sending.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0);
    sending.onerror = sending.onabort = () => reject(new Lost());
    sending.onload = () => {
      answeredBy(sending.getResponseHeader('X-Instance'));
      try {
        resolve(told(sending.status === 200, sending.responseText)[0]);
      } catch (error) {
        reject(error);
      }
    };
    sending.send(form);
  });
}

/* The events of a stream, as objects, until it ends. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read().catch(() => { throw new Lost(); });
    if (done) return;
    const parts = (text + value).split('\n\n');
    text = parts.pop();
    for (const part of parts) if (part.startsWith('data: ')) yield JSON.parse(part.slice(6));
  }
}

// the number that Gradio has given the event of the view
const asks = window.gradio_config.dependencies.find(({ targets }) => targets.some(([, name]) => name === 'ask')).id;
let session = ''; // under which the server keeps what it has to say; another one after anything went wrong

/* Ask, and await the answer. */
async function question(asked) {
  session ||= 'tm' + Math.random().toString(36).slice(2);
  const mine = session;
  let answer = null;
  session = ''; // until this one has ended well
  const joined = await reach('queue/join', {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ data: [], event_data: { ...asked, language }, fn_index: asks, session_hash: mine, trigger_id: null }),
  });
  const { event_id } = told(joined.ok, await joined.text().catch(() => ''));
  const stream = await reach('queue/data?session_hash=' + mine);
  if (!stream.ok) throw new Lost();
  try {
    for await (const { msg, event_id: of, success, output } of events(stream.body)) {
      if (msg === 'process_completed' && of === event_id) answer = { output, success };
      if (['unexpected_error', 'server_stopped'].includes(msg)) throw new Lost();
      if (msg === 'close_stream') break; // not before: what leaves a stream early is taken for one who has left
    }
  } catch (error) {
    if (!answer) throw error;
  }
  if (!answer) throw new Lost();
  if (!answer.success) throw new Refusal(t.no_answer);
  session ||= mine;
  return answer.output.data[0];
}

/* Wait until the server is there again. */
async function back() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
    const answered = await reach('app_id').then(({ ok }) => ok).catch(() => false);
    if (answered || !element.isConnected) return;
  }
}
