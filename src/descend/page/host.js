// The report's host: hands each payload of this document to the module, as a notebook would.
// It follows the module in one script; `descendModule` is what the module exports.

const DIGITS =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%.()*+-;,=>?@^_`{|}~";
const WORTH = new Uint8Array(128);
for (let i = 0; i < DIGITS.length; i++) WORTH[DIGITS.charCodeAt(i)] = i;

/** From base 85, five characters to four bytes. */
function unpacked(text) {
  const missing = (5 - (text.length % 5)) % 5;
  const whole = text + "~".repeat(missing);
  const bytes = new DataView(new ArrayBuffer((whole.length / 5) * 4));
  for (let i = 0, at = 0; i < whole.length; at += 4) {
    let value = 0;
    for (let j = 0; j < 5; j++) value = value * 85 + WORTH[whole.charCodeAt(i++)];
    bytes.setUint32(at, value);
  }
  return new Uint8Array(bytes.buffer, 0, bytes.byteLength - missing);
}

async function decompressed(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new DataView(await new Response(stream).arrayBuffer());
}

/** A model as anywidget's hosts have it, that nobody else writes to. */
function modelOf(values) {
  const listeners = new Map();
  return {
    get: (name) => values[name],
    set(name, value) {
      values[name] = value;
      for (const listener of listeners.get(`change:${name}`) ?? []) listener();
    },
    on(event, listener) {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(listener));
    },
    off: (event, listener) => listeners.get(event)?.delete(listener),
    save_changes() {},
    send() {},
  };
}

async function show(place, number) {
  try {
    const page = JSON.parse(document.getElementById(`descend-page-${number}`).textContent);
    const packed = document.getElementById(`descend-data-${number}`).textContent;
    const data = await decompressed(unpacked(packed));
    const model = modelOf({ page, data });
    place.replaceChildren();
    await descendModule.render({ model, el: place, signal: new AbortController().signal });
    place.dataset.shown = "true";
  } catch (error) {
    place.textContent = `This part of the report cannot be shown by this browser (${error}).`;
    console.error(error);
  }
}

for (const place of document.querySelectorAll("[id^='descend-run-']")) {
  show(place, place.id.slice("descend-run-".length));
}
