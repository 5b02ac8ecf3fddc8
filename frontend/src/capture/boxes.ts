// Where an MP4 or MOV keeps its index. Phones write it (`moov`) behind the pictures (`mdat`), where a server that reads
// forwards meets it last. Only the boxes' headers are read, and nothing in them is believed beyond the file's own end.

export const LARGEST_INDEX = 16 * 1024 * 1024; // bytes; what the server takes
const HEADER = 16; // bytes: size and name, and the long form of the size
const STEPS = 64; // boxes at the top of a file: phones write five or six

/** The bytes [from, to) of a file. */
export type Read = (from: number, to: number) => Promise<Blob>;

export interface Place {
  offset: number; // bytes from the beginning of the file
  length: number;
}

/** The index of a file of `size` bytes if it lies behind the pictures, whole, and can be sent ahead; else null. */
export async function indexBehind(size: number, read: Read): Promise<Place | null> {
  let pictures = false;
  for (let at = 0, step = 0; step < STEPS && at + 8 <= size; step++) {
    const head = new DataView(await (await read(at, Math.min(at + HEADER, size))).arrayBuffer());
    const length = boxLength(head, size - at);
    if (length === null) return null;
    const name = head.getUint32(4);
    if (name === 0x6d6f6f76) return pictures && length <= LARGEST_INDEX ? { offset: at, length } : null; // moov
    pictures ||= name === 0x6d646174; // mdat
    at += length;
  }
  return null;
}

/** Bytes of a box with its header, of which `room` are left in the file; null for what cannot be one. Source: ISO/IEC
 * 14496-12, 4.2: size 1 is followed by the real one in 64 bits, size 0 reaches to the end of the file. */
function boxLength(head: DataView, room: number): number | null {
  if (head.byteLength < 8) return null;
  const short = head.getUint32(0);
  if (short === 0) return room;
  const long = short === 1;
  if (long && head.byteLength < HEADER) return null;
  const length = long ? Number(head.getBigUint64(8)) : short;
  return length >= (long ? HEADER : 8) && length <= room ? length : null;
}
