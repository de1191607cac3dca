// The link: typed messages over whatever model the host gives, a websocket's or a widget's.
import type { Buffers, Kind, Said, Told } from "./contract";

/** What the lab needs of the host's model. */
export interface LabModel {
  on(event: "msg:custom", listener: (content: unknown, buffers?: unknown[]) => void): void;
  off(event: "msg:custom", listener: (content: unknown, buffers?: unknown[]) => void): void;
  send(content: unknown, callbacks?: unknown, buffers?: (ArrayBuffer | ArrayBufferView)[]): void;
}

type Listener<K extends Kind> = (told: Told[K], buffers: Buffers) => void;

export interface Link {
  say(message: Said): void;
  sendFile(name: string, bytes: ArrayBuffer): void; // hosts take it up as they can
  on<K extends Kind>(kind: K, listener: Listener<K>): () => void;
  last<K extends Kind>(kind: K): Told[K] | null; // what was told last of a kind
  close(): void;
}

export function makeLink(model: LabModel): Link {
  const listeners = new Map<Kind, Set<Listener<never>>>();
  const told = new Map<Kind, unknown>();

  function heard(content: unknown, buffers: unknown[] = []): void {
    const { kind } = content as { kind: Kind };
    told.set(kind, content);
    for (const listener of [...(listeners.get(kind) ?? [])]) {
      try {
        listener(content as never, buffers.map(viewOf));
      } catch (error) {
        reportError(error); // one part that fails must not keep the others from hearing
      }
    }
  }

  model.on("msg:custom", heard);
  return {
    say: (message) => model.send(message),
    sendFile: (name, bytes) => model.send({ kind: "upload", name }, undefined, [bytes]),
    on(kind, listener) {
      const heardBy = listeners.get(kind) ?? new Set();
      listeners.set(kind, heardBy.add(listener as Listener<never>));
      return () => heardBy.delete(listener as Listener<never>);
    },
    last: (kind) => (told.get(kind) ?? null) as never,
    close() {
      model.off("msg:custom", heard);
      listeners.clear();
    },
  };
}

/** Hosts hand over a DataView, an ArrayBuffer or a Uint8Array. */
function viewOf(buffer: unknown): DataView {
  if (buffer instanceof DataView) return buffer;
  if (buffer instanceof ArrayBuffer) return new DataView(buffer);
  const { buffer: whole, byteOffset, byteLength } = buffer as Uint8Array;
  return new DataView(whole, byteOffset, byteLength);
}
