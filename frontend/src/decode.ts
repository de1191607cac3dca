// From the block of bytes to arrays.  Python's side is src/descend/page/payload.py.
import type { Block } from "./contract";
import type { Numbers } from "./store";

/** What a host may hand over: a notebook a DataView, the report whatever it unpacked. */
export type Bytes = DataView | ArrayBuffer | Uint8Array;

const WIDTH = { float32: 4, float64: 8, int32: 4, uint8: 1 } as const;

export function bytesOf(data: Bytes): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The array that a block describes, in memory of its own. */
export function decode(block: Block, data: Bytes): Numbers {
  const all = bytesOf(data);
  if (block.offset + block.bytes > all.length) {
    const end = block.offset + block.bytes;
    throw new RangeError(`A block ends at byte ${end}, but only ${all.length} bytes came.`);
  }
  const raw = all.subarray(block.offset, block.offset + block.bytes);
  const width = WIDTH[block.dtype];
  const found = block.filter === "none" ? raw.slice() : unshuffled(raw, width);
  if (block.filter === "xor-shuffle") accumulate(found, width * columns(block.shape));
  return typed(block.dtype, found.buffer as ArrayBuffer);
}

function columns(shape: number[]): number {
  return shape.slice(1).reduce((product, length) => product * length, 1);
}

/** Byte planes (all first bytes, then all second …) back to whole entries. */
function unshuffled(raw: Uint8Array, width: number): Uint8Array {
  const found = new Uint8Array(raw.length);
  const entries = raw.length / width;
  for (let plane = 0; plane < width; plane++) {
    for (let i = 0, at = plane * entries; i < entries; i++) found[i * width + plane] = raw[at + i];
  }
  return found;
}

/** Undo "each row XORed with the row before it", from the first row on, in place. */
function accumulate(bytes: Uint8Array, row: number): void {
  for (let i = row; i < bytes.length; i++) bytes[i] ^= bytes[i - row];
}

function typed(dtype: Block["dtype"], buffer: ArrayBuffer): Numbers {
  // Typed arrays are in the machine's order, and every machine with a browser is little-endian.
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "uint8":
      return new Uint8Array(buffer);
  }
}
