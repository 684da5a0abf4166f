import type { ByteReader, ByteWriter } from '../base/bytes.ts'
import type { Ptr } from '../kernels/table.ts'
import type { Ring } from '../ring/ring.ts'

/** Bits of a packed residue modulo p: ⌈log2 p⌉. */
function residueBits(p: number): number {
  return Math.ceil(Math.log2(p))
}

/** Bytes of a limb modulo p, packed. */
export function limbBytes(n: number, p: number): number {
  return Math.ceil((n * residueBits(p)) / 8)
}

/** Appends the limb at `src`, residues modulo `p` packed to ⌈log2 p⌉ bits. */
export function writeLimb(writer: ByteWriter, ring: Ring, src: Ptr, p: number): void {
  const bytes = limbBytes(ring.n, p)
  using space = ring.heap.alloc(bytes + 8)
  ring.kernels.pack(space.ptr, src, ring.n, residueBits(p), p, 1 / p)
  writer.raw(ring.heap.u8(space.ptr, bytes))
}

/** Reads a limb written by `writeLimb`; refuses residues that are not below p. */
export function readLimb(reader: ByteReader, ring: Ring, dst: Ptr, p: number, field: string): void {
  const bytes = reader.slice(limbBytes(ring.n, p), field)
  using space = ring.heap.alloc(bytes.length + 8)
  ring.heap.u8(space.ptr, bytes.length).set(bytes)
  ring.heap.u8(space.ptr + bytes.length, 8).fill(0)
  const outside = ring.kernels.unpack(dst, space.ptr, ring.n, residueBits(p), p)
  if (outside > 0) throw reader.malformed(field, `residues below ${p}`, `${outside} that are not`)
}
