// The lab's host: a model of the anywidget contract over one websocket, as a notebook would have it.
// Down: u32 length, JSON header, buffers, each padded to 8 bytes; up: JSON, and files by POST.

const LONGEST_QUEUE = 200;
const WAITS = [100, 250, 500, 1000, 2000, 4000]; // before trying again, in milliseconds
const ASK_WHY = 3; // tries that failed before it is asked why
const here = new URL(location.href);

function unpacked(data) {
  const view = new DataView(data);
  const length = view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  let at = 4 + length;
  const buffers = (header.buffers ?? []).map((bytes) => {
    const buffer = new DataView(data, at, bytes);
    at += bytes + ((8 - (bytes % 8)) % 8);
    return buffer;
  });
  return [header, buffers];
}

function emitter() {
  const listeners = new Map();
  const early = []; // what came before anybody listened
  return {
    on(event, listener) {
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event).add(listener);
      if (event === "msg:custom") for (const message of early.splice(0)) listener(...message);
    },
    off(event, listener) {
      if (event === undefined) listeners.clear();
      else if (listener === undefined) listeners.delete(event);
      else listeners.get(event)?.delete(listener);
    },
    emit(event, ...facts) {
      const found = listeners.get(event);
      if (!found?.size && event === "msg:custom") early.push(facts);
      for (const listener of [...(found ?? [])]) listener(...facts);
    },
  };
}

/** A line to the server that is mended when it breaks; what is said meanwhile is sent then. */
function line(told) {
  let socket = null;
  let tries = 0;
  let opened = false;
  let timer = 0;
  const queue = [];

  function open() {
    clearTimeout(timer);
    if (socket !== null) return;
    const address = new URL(`${here.pathname}/socket`, here);
    address.protocol = here.protocol.replace("http", "ws");
    const mine = new WebSocket(address);
    socket = mine;
    mine.binaryType = "arraybuffer";
    mine.onopen = connected;
    mine.onmessage = ({ data }) => told(...unpacked(data));
    mine.onclose = () => {
      if (socket === mine) lost();
    };
  }

  function connected() {
    tries = 0;
    if (opened) told({ kind: "connection", open: true }, []); // the page says hello again
    opened = true;
    for (const text of queue.splice(0)) socket.send(text);
  }

  function lost() {
    socket = null;
    if (tries === 0) told({ kind: "connection", open: false }, []);
    if (tries === ASK_WHY) why();
    timer = setTimeout(open, WAITS[Math.min(tries++, WAITS.length - 1)]);
  }

  /** A lab that was started again knows nothing of this page, and one that has ended does not answer. */
  async function why() {
    const answer = await fetch(here.pathname, { cache: "no-store" }).catch(() => null);
    if (socket?.readyState === WebSocket.OPEN || answer?.ok) return;
    told({ kind: "connection", open: false, why: answer === null ? "ended" : "restarted" }, []);
  }

  function send(content) {
    const text = JSON.stringify(content);
    if (socket?.readyState === WebSocket.OPEN) {
      socket.send(text);
      return;
    }
    queue.push(text);
    if (queue.length > LONGEST_QUEUE) queue.shift();
  }

  addEventListener("online", open);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) open();
  });
  open();
  return { send, cut: () => socket?.close() };
}

/** A file goes up by itself: `model.send({kind: "upload", name}, undefined, [bytes])`. */
async function uploaded(name, bytes, told) {
  const address = new URL(`${here.pathname}/upload`, here);
  address.searchParams.set("name", name);
  try {
    const response = await fetch(address, { method: "POST", body: bytes });
    const answer = await response.json();
    if (answer.kind === "said") told(answer, []);
  } catch {
    const sentence = `The file ${name} could not be sent to the lab; is it still running?`;
    told({ kind: "said", severity: "error", sentence }, []);
  }
}

const values = {};
const { on, off, emit } = emitter();
const told = (header, buffers) => emit("msg:custom", header, buffers);
const { send, cut } = line(told);
const model = {
  get: (name) => values[name],
  set(name, value) {
    values[name] = value;
    emit(`change:${name}`);
  },
  save_changes() {},
  on,
  off,
  send(content, _callbacks, buffers) {
    const address = location.search.slice(1); // by which the server makes a session that is new to it
    if (buffers?.length) uploaded(content.name, buffers[0], told);
    else send(content.kind === "hello" ? { address, ...content } : content);
  },
};

const el = document.getElementById("lab");
const { default: lab } = await import("/lab.js");
el.replaceChildren();
const leave = new AbortController();
addEventListener("pagehide", (event) => {
  if (!event.persisted) leave.abort();
});
await lab.render({ model, el, signal: leave.signal });
el.dataset.rendered = "yes";
el.cutLine = cut; // the tests cut the line as a bad network would
